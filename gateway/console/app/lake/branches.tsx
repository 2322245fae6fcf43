import { textOf } from '../failure.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Failed, Notice, Skeleton } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { addressOf } from '../router.ts';
import { formatCount } from '../time.ts';
import { Kind } from './kind.tsx';
import { type Story, useStory } from './story.ts';
import { type Branch, DEPTH_MAX, outline } from './tree.ts';

type Here = { id: string; position: number; correlationId: string | null; subject: string | null };

/** What led to an event and what it led to: lists within each other. */
export function Branches({ here }: { here: Here }) {
  const story = useStory(here);
  const { tree, open, above, failure, loading } = story;
  const root = outline(tree, here.id, open);
  if (!root) return failure ? <Failed failure={failure} /> : <Skeleton rows={3} label="Loading causes and effects" />;
  return (
    <div class="story" aria-busy={loading}>
      {failure && <Notice>{textOf(failure)}</Notice>}
      {above && (above.missing || !loading) && <Above above={above} further={story.further} />}
      <ul class="branches" aria-label="Causes and effects">
        <Twig branch={root} here={here} story={story} />
      </ul>
      {tree.size === 1 && !above && <p class="hint">It follows from nothing, and nothing has followed from it.</p>}
    </div>
  );
}

function Above({ above: { id, missing }, further }: { above: { id: string; missing: boolean }; further: () => void }) {
  if (!missing) {
    return (
      <Button icon="up" onClick={further}>
        Go further up
      </Button>
    );
  }
  return (
    <p class="hint">
      It follows from <code>{id}</code>, which the lake does not have.
    </p>
  );
}

function Twig({ branch, here, story }: { branch: Branch; here: Here; story: Story }) {
  const { known, isHere, isOpen, branches, depth } = branch;
  const { event, effectCount, effects, more } = known;
  const left = effectCount - effects.length;
  return (
    <li>
      <div class={`twig ${isHere ? 'here' : ''}`}>
        {isOpen === undefined ? (
          <span class="twig-toggle" aria-hidden="true" />
        ) : (
          <button
            type="button"
            class={`twig-toggle ${isOpen ? 'open' : ''}`}
            aria-expanded={isOpen}
            aria-label={`Effects of ${event.type}, event ${formatCount(event.position)}: ${effectCount}`}
            onClick={() => story.toggle(event.id)}
          >
            <Icon name="next" />
          </button>
        )}
        <a class="twig-link" href={addressOf('events', event.id)} aria-current={isHere ? 'true' : undefined}>
          <Kind type={event.type} />
        </a>
        {isHere && <span class="badge info">this event</span>}
        {isOpen === false && <span class="badge">{formatCount(effectCount)}</span>}
        {event.subject !== here.subject && event.subject && <span class="mono faint cut">{event.subject}</span>}
        <span class="twig-end">
          <span class="faint wide">{event.source}</span>
          <span class="faint twig-position">{formatCount(event.position)}</span>
          <Time at={event.time} />
        </span>
      </div>
      {isOpen && (
        <ul>
          {branches.map(twig => (
            <Twig key={twig.known.event.id} branch={twig} here={here} story={story} />
          ))}
          {more !== null && left > 0 && (
            <li>
              <Button onClick={() => story.more(event.id)}>{`Show more of ${formatCount(left)} others`}</Button>
            </li>
          )}
        </ul>
      )}
      {depth === DEPTH_MAX && effectCount > 0 && !isHere && (
        <p class="hint">
          <a href={addressOf('events', event.id)}>What followed from it</a>
        </p>
      )}
    </li>
  );
}
