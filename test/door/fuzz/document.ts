/** Operations as trees that shrink well, and their text: names, aliases, variables and fragments are given in writing. */

/** A value for an argument or a field of an input object. */
export type Input =
  | { kind: 'json'; json: unknown }
  | { kind: 'enum'; name: string }
  /** What JSON cannot say, or says differently. */
  | { kind: 'raw'; text: string; json: unknown }
  | { kind: 'list'; items: readonly Input[] }
  | { kind: 'object'; fields: readonly (readonly [string, Input])[] }
  | Variable;

export type Variable = {
  kind: 'variable';
  type: string;
  /** What the client sends for it; nothing when undefined. */
  value: Input | undefined;
  byDefault: Input | undefined;
};

export type Directive = { name: string; condition: Input };

export type Selection =
  | {
      kind: 'field';
      name: string;
      args: readonly (readonly [string, Input])[];
      /** A field with arguments needs one, or it may be at odds with its like. */
      aliased: boolean;
      directives: readonly Directive[];
      selections: readonly Selection[] | undefined;
    }
  /** Written as a fragment definition and a spread when it is named. */
  | {
      kind: 'fragment';
      on: string | undefined;
      named: boolean;
      directives: readonly Directive[];
      selections: readonly Selection[];
    };

export type Operation = {
  type: 'query' | 'mutation' | 'subscription';
  name: string | undefined;
  selections: readonly Selection[];
};

export type Document = { query: string; variables: Record<string, unknown> };

/** Writes an operation as a document, with the variables that the client sends. */
export function write({ type, name, selections }: Operation): Document {
  const writer = new Writer();
  const body = writer.selections(selections);
  const declared = writer.declared.size > 0 ? `(${[...writer.declared.keys()].join(', ')})` : '';
  const title = [type, `${name ?? ''}${declared}`].filter(Boolean).join(' ');
  return { query: [`${title} ${body}`, ...writer.fragments.keys()].join('\n'), variables: writer.variables };
}

class Writer {
  /** By their text, so that what is the same has one name. */
  readonly declared = new Map<string, string>();
  readonly fragments = new Map<string, string>();
  readonly variables: Record<string, unknown> = {};
  readonly #known = new Map<string, string>();
  #aliases = 0;

  selections(selections: readonly Selection[]): string {
    return `{ ${selections.map(selection => this.#selection(selection)).join(' ')} }`;
  }

  #selection(selection: Selection): string {
    const directives = selection.directives.map(({ name, condition }) => ` @${name}(if: ${this.#value(condition)})`);
    if (selection.kind === 'fragment') return this.#fragment(selection, directives.join(''));
    const { name, args, aliased, selections } = selection;
    const alias = aliased ? `a${this.#aliases++}: ` : '';
    const written = args.map(([key, value]) => `${key}: ${this.#value(value)}`).join(', ');
    const body = selections ? ` ${this.selections(selections)}` : '';
    return `${alias}${name}${written && `(${written})`}${directives.join('')}${body}`;
  }

  #fragment({ on, named, selections }: Selection & { kind: 'fragment' }, directives: string): string {
    const body = this.selections(selections);
    if (!named || !on) return `...${on ? ` on ${on}` : ''}${directives} ${body}`;
    const key = `on ${on} ${body}`;
    const name = this.#known.get(key) ?? `F${this.#known.size}`;
    this.#known.set(key, name);
    this.fragments.set(`fragment ${name} ${key}`, name);
    return `...${name}${directives}`;
  }

  #value(input: Input): string {
    switch (input.kind) {
      case 'json':
        return literal(input.json);
      case 'enum':
        return input.name;
      case 'raw':
        return input.text;
      case 'list':
        return `[${input.items.map(item => this.#value(item)).join(', ')}]`;
      case 'object':
        return `{ ${input.fields.map(([name, value]) => `${name}: ${this.#value(value)}`).join(', ')} }`;
      case 'variable':
        return `$${this.#variable(input)}`;
    }
  }

  #variable({ type, value, byDefault }: Variable): string {
    const sent = value && jsonOf(value);
    const rest = `: ${type}${byDefault ? ` = ${this.#value(byDefault)}` : ''}`;
    const key = `${rest} ${JSON.stringify(sent)}`;
    const known = this.#known.get(key);
    if (known) return known;
    const name = `v${this.declared.size}`;
    this.#known.set(key, name);
    this.declared.set(`$${name}${rest}`, name);
    if (value) this.variables[name] = sent;
    return name;
  }
}

function literal(json: unknown): string {
  if (Array.isArray(json)) return `[${json.map(literal).join(', ')}]`;
  if (json === null || typeof json !== 'object') return JSON.stringify(json);
  return `{ ${Object.entries(json)
    .map(([key, value]) => `${key}: ${literal(value)}`)
    .join(', ')} }`;
}

/** A value as a variable's. A variable within a variable is its own value. */
function jsonOf(input: Input): unknown {
  switch (input.kind) {
    case 'json':
    case 'raw':
      return input.json;
    case 'enum':
      return input.name;
    case 'list':
      return input.items.map(jsonOf);
    case 'object':
      return Object.fromEntries(input.fields.map(([name, value]) => [name, jsonOf(value)]));
    case 'variable':
      return input.value ? jsonOf(input.value) : null;
  }
}
