import { tokensOf } from './writing.ts';

/** Beyond this it is shown without colours. */
const COLOURED_CHARS_MAX = 50_000;

/** Data as indented JSON: text, whatever is in it. */
export function Json({ value }: { value: unknown }) {
  const tokens = tokensOf(value);
  const chars = tokens.reduce((sum, { text }) => sum + text.length, 0);
  if (chars > COLOURED_CHARS_MAX) return <pre class="json">{tokens.map(({ text }) => text).join('')}</pre>;
  return (
    <pre class="json">
      {tokens.map(({ kind, text }, at) =>
        kind === 'plain' ? (
          text
        ) : (
          <span key={at} class={`json-${kind}`}>
            {text}
          </span>
        ),
      )}
    </pre>
  );
}
