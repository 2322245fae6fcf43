/** The conditions under which events are listed, and replayed. */
import { useEffect, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { type Control, Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { formatTime } from '../time.ts';
import {
  conditionsOf,
  FILTER_LABELS,
  type Filter,
  localOf,
  NO_FILTER,
  timeFrom,
  toggleType,
  wordsOf,
} from './filter.ts';
import { Kind } from './kind.tsx';

type Editing = { filter: Filter; change: (filter: Filter) => void };

/** Types to choose from; any other can be typed. */
export function TypeChoice({ filter, change, types }: Editing & { types: readonly string[] }) {
  const others = filter.types.filter(type => !types.includes(type));
  return (
    <fieldset class="types">
      <legend>Types</legend>
      <div class="chips">
        {[...types, ...others].map(type => (
          <label key={type} class="chip">
            <input
              type="checkbox"
              checked={filter.types.includes(type)}
              onChange={() => change(toggleType(filter, type))}
            />
            <Kind type={type} />
          </label>
        ))}
        <OtherType add={found => change({ ...filter, types: [...new Set([...filter.types, ...found])] })} />
      </div>
    </fieldset>
  );
}

function OtherType({ add }: { add: (types: string[]) => void }) {
  const [text, setText] = useState('');
  const take = () => {
    const found = wordsOf(text);
    setText('');
    if (found.length > 0) add(found);
  };
  return (
    <input
      class="chip-input"
      placeholder="Another type"
      aria-label="Another type"
      spellcheck={false}
      autocomplete="off"
      value={text}
      onInput={event => setText(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={event => {
        if (event.key !== 'Enter' || text.trim() === '') return;
        event.preventDefault();
        take();
      }}
    />
  );
}

/** The conditions that are typed. */
export function Conditions({ filter, change, only }: Editing & { only?: 'subject' }) {
  const text = (name: 'subject' | 'source' | 'correlation', placeholder: string) => (
    <Field label={FILTER_LABELS[name]}>
      {control => (
        <input
          {...control}
          spellcheck={false}
          autocomplete="off"
          placeholder={placeholder}
          value={filter[name]}
          onInput={event => change({ ...filter, [name]: event.currentTarget.value.trim() })}
        />
      )}
    </Field>
  );
  if (only) return text('subject', 'All accounts');
  return (
    <>
      {text('subject', 'Any')}
      {text('source', 'Any, such as /account')}
      {text('correlation', 'Any')}
      <TimeCondition name="from" {...{ filter, change }} />
      <TimeCondition name="to" {...{ filter, change }} />
    </>
  );
}

function TimeCondition({ name, filter, change }: Editing & { name: 'from' | 'to' }) {
  return (
    <Field label={FILTER_LABELS[name]}>
      {(control: Control) => (
        <input
          {...control}
          type="datetime-local"
          step={1}
          value={localOf(filter[name])}
          onChange={event => change({ ...filter, [name]: timeFrom(event.currentTarget.value) })}
        />
      )}
    </Field>
  );
}

const RECENT: [label: string, minutes: number][] = [
  ['Last 15 min', 15],
  ['Last hour', 60],
  ['Last day', 1_440],
];

/** The filter of a page: types apply at once, what is typed when it is sent. */
export function Filters({ filter, change, types }: Editing & { types: readonly string[] }) {
  const [draft, setDraft] = useState(filter);
  const key = JSON.stringify(filter);
  useEffect(() => setDraft(filter), [key]);
  const [isOpen, setOpen] = useState(() => window.matchMedia('(min-width: 761px)').matches);
  const count = conditionsOf(filter).length;
  const apply = (next: Filter) => {
    setDraft(next);
    change(next);
  };
  return (
    <details class="card sieve" open={isOpen} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        <span>Filter</span>
        {count > 0 && <span class="badge info">{count}</span>}
      </summary>
      <form
        class="sieve-body"
        onSubmit={event => {
          event.preventDefault();
          change(draft);
        }}
      >
        <TypeChoice filter={draft} change={apply} types={types} />
        <div class="sieve-fields">
          <Conditions filter={draft} change={setDraft} />
          <div class="sieve-end">
            <div class="quick">
              {RECENT.map(([label, minutes]) => (
                <button
                  key={label}
                  type="button"
                  class="link"
                  onClick={() =>
                    apply({ ...draft, from: new Date(Date.now() - minutes * 60_000).toISOString(), to: '' })
                  }
                >
                  {label}
                </button>
              ))}
            </div>
            <Button type="submit" kind={JSON.stringify(draft) === key ? 'plain' : 'primary'}>
              Apply
            </Button>
          </div>
        </div>
      </form>
    </details>
  );
}

/** What is asked for, each to be taken out. */
export function ActiveConditions({ filter, change }: Editing) {
  const conditions = conditionsOf(filter);
  if (conditions.length === 0) return null;
  return (
    <div class="conditions">
      <ul aria-label="Filtered by">
        {conditions.map(({ name, value, without }) => {
          const shown = name === 'from' || name === 'to' ? timeText(value) : value;
          return (
            <li key={`${name} ${value}`} class="condition">
              <span class="condition-name">{FILTER_LABELS[name]}</span>
              <span class="condition-value">{shown}</span>
              <button
                type="button"
                aria-label={`Without ${FILTER_LABELS[name]} ${shown}`}
                title="Take this out"
                onClick={() => change(without)}
              >
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
      <button type="button" class="link" onClick={() => change(NO_FILTER)}>
        Clear all
      </button>
    </div>
  );
}

const timeText = (time: string) => (Number.isNaN(Date.parse(time)) ? time : formatTime(time));
