import { type DocumentNode, type FieldNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';

/** A field, and the type that the fragment around it names, if one does. */
export type SelectedField = { field: FieldNode; on: string | undefined };

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** The fragments of a document by name. */
export const fragmentsOf = ({ definitions }: DocumentNode): Fragments =>
  new Map(
    definitions.flatMap(definition =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );

/**
 * The fields of one selection set, its fragments opened. Each fragment once, as in execution: a document in which every
 * fragment spreads the next one twice would else take for ever.
 */
export function selectedFields(selectionSet: SelectionSetNode, fragments: Fragments): SelectedField[] {
  const fields: SelectedField[] = [];
  const opened = new Set<string>();

  function open(set: SelectionSetNode, on: string | undefined): void {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        fields.push({ field: selection, on });
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        open(selection.selectionSet, selection.typeCondition?.name.value ?? on);
      } else if (!opened.has(selection.name.value)) {
        opened.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment) open(fragment.selectionSet, fragment.typeCondition.name.value);
      }
    }
  }

  open(selectionSet, undefined);
  return fields;
}
