import { useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';

/** Lines that are longer than their editor is wide go on in the next one: what a comment says is seen without scrolling. */
export function WrapLines() {
  const operation = useGraphiQL(({ queryEditor }) => queryEditor);
  const variables = useGraphiQL(({ variableEditor }) => variableEditor);
  useEffect(() => {
    for (const editor of [operation, variables]) editor?.updateOptions({ wordWrap: 'on' });
  }, [operation, variables]);
  return null;
}
