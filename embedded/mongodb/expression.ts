/**
 * Aggregation expressions, on values that keep their BSON types. A small part of MongoDB's: every other operator is
 * refused by name, none gives a result of another type or value than MongoDB's.
 */
import { Decimal128, Double, Int32, Long } from 'bson';
import { compare } from './compare.ts';
import { fail, unsupported } from './errors.ts';
import { add, isNumber, multiply, type Num, toDouble, whole } from './numbers.ts';
import { field, parts } from './paths.ts';
import { ACCUMULATORS, integer, negated } from './sum.ts';
import { type Doc, isArray, isObject, kindOf, truthy } from './values.ts';

type Variables = Record<string, unknown>;
/** undefined is a missing value: a field computed to it is left out. */
export type Expression = (doc: unknown, variables?: Variables) => unknown;

/** Throws InvalidPipelineOperator for an unknown operator, NotImplemented for a variable that is not there. */
export function compileExpression(expression: unknown): Expression {
  if (typeof expression === 'string' && expression.startsWith('$')) return reference(expression);
  if (isArray(expression)) {
    const members = expression.map(compileExpression);
    return (doc, variables) => members.map(member => member(doc, variables) ?? null);
  }
  if (!isObject(expression)) return () => expression;
  const [name] = Object.keys(expression);
  if (name?.startsWith('$')) return operator(name, expression);
  const fields = Object.entries(expression).map(([key, value]): [string, Expression] => [key, compileExpression(value)]);
  return (doc, variables) => {
    const computed = fields.map(([key, value]): [string, unknown] => [key, value(doc, variables)]);
    return Object.fromEntries(computed.filter(([, value]) => value !== undefined));
  };
}

function reference(text: string): Expression {
  if (!text.startsWith('$$')) {
    const path = parts(text.slice(1));
    return doc => follow(doc, path);
  }
  const [name = '', ...path] = parts(text.slice(2));
  if (name === 'ROOT' || name === 'CURRENT') return doc => follow(doc, path);
  if (name === 'REMOVE') return () => undefined;
  if (!/^[a-z]/.test(name)) unsupported(`the variable $$${name}`);
  return (_, variables) => {
    if (!variables || !Object.hasOwn(variables, name)) fail('BadValue', `Use of undefined variable: ${name}`);
    return follow(variables[name], path);
  };
}

/** Through an array, a path gives what it gives for each of its documents; positions do not count here. */
function follow(value: unknown, path: string[], i = 0): unknown {
  if (i === path.length) return value;
  if (!isArray(value)) return value === undefined ? undefined : follow(field(value, path[i] ?? ''), path, i + 1);
  return value.map(element => follow(element, path, i)).filter(found => found !== undefined);
}

function operator(name: string, expression: Doc): Expression {
  if (Object.keys(expression).length !== 1) fail('FailedToParse', `an expression must have exactly one operator, not also ${name}`);
  const argument = expression[name];
  if (name === '$literal') return () => argument;
  const special = SPECIAL[name];
  if (special) return special(argument);
  const accumulate = ACCUMULATORS[name];
  const apply = OPERATORS[name];
  if (apply) {
    const operands = (isArray(argument) ? argument : [argument]).map(compileExpression);
    const [least, most] = ARITY[name] ?? [0, Number.POSITIVE_INFINITY];
    if (operands.length < least || operands.length > most) fail('BadValue', `Expression ${name} takes another number of arguments than ${operands.length}`);
    return (doc, variables) => apply(operands.map(operand => operand(doc, variables)));
  }
  if (accumulate && ['$sum', '$avg', '$min', '$max'].includes(name)) return overArray(argument, accumulate);
  return fail('InvalidPipelineOperator', `Unrecognized or unsupported expression '${name}'`);
}

function overArray(argument: unknown, accumulator: (typeof ACCUMULATORS)[string]): Expression {
  const operands = isArray(argument) ? argument.map(compileExpression) : [compileExpression(argument)];
  return (doc, variables) => {
    const values = operands.map(operand => operand(doc, variables));
    const state = accumulator();
    for (const value of values.length === 1 && isArray(values[0]) ? values[0] : values) state.add(value);
    return state.result();
  };
}

type Operator = (values: unknown[]) => unknown;

const PAIR: [number, number] = [2, 2];
const ONE: [number, number] = [1, 1];
const ARITY: Record<string, [number, number]> = {
  ...Object.fromEntries('$eq $ne $gt $gte $lt $lte $cmp $subtract $divide $mod $arrayElemAt $in'.split(' ').map(name => [name, PAIR])),
  ...Object.fromEntries('$not $abs $floor $ceil $size $isArray $type $toLower $toUpper'.split(' ').map(name => [name, ONE])),
};

const comparison = (accepts: (order: number) => boolean): Operator => values => accepts(compare(values[0], values[1]));

const OPERATORS: Record<string, Operator> = {
  $eq: comparison(order => order === 0),
  $ne: comparison(order => order !== 0),
  $gt: comparison(order => order > 0),
  $gte: comparison(order => order >= 0),
  $lt: comparison(order => order < 0),
  $lte: comparison(order => order <= 0),
  $cmp: values => new Int32(Math.sign(compare(values[0], values[1]))),
  $and: values => values.every(truthy),
  $or: values => values.some(truthy),
  $not: values => !truthy(values[0]),
  $ifNull: values => values.find(value => value != null) ?? values.at(-1),
  $add: values => total(values),
  $subtract: values => subtract(values[0], values[1]),
  $multiply: values => numeric('$multiply', values, numbers => numbers.reduce((a, b) => product(a, b), new Int32(1))),
  $divide: values => numeric('$divide', values, ([a, b]) => divide(a, b)),
  $mod: values => numeric('$mod', values, ([a, b]) => modulo(a, b)),
  $abs: values => numeric('$abs', values, ([a]) => (a && toDouble(a) < 0 ? negated(a) : a)),
  $floor: values => numeric('$floor', values, ([a]) => rounded(a, Math.floor)),
  $ceil: values => numeric('$ceil', values, ([a]) => rounded(a, Math.ceil)),
  $concat: values => (values.some(value => value == null) ? null : values.map(value => string('$concat', value)).join('')),
  $toLower: values => (values[0] == null ? '' : string('$toLower', values[0]).toLowerCase()),
  $toUpper: values => (values[0] == null ? '' : string('$toUpper', values[0]).toUpperCase()),
  $size: values => new Int32(array('$size', values[0]).length),
  $isArray: values => isArray(values[0]),
  $type: values => (values[0] === undefined ? 'missing' : kindOf(values[0]).alias),
  $arrayElemAt: values => (values[0] == null ? null : array('$arrayElemAt', values[0]).at(integer(values[1], '$arrayElemAt'))),
  $in: values => array('$in', values[1]).some(member => compare(member, values[0]) === 0),
  $concatArrays: values => (values.some(value => value == null) ? null : values.flatMap(value => array('$concatArrays', value))),
  $mergeObjects: values => Object.assign({}, ...values.filter(value => value != null)),
};

/** Operators whose arguments are not all evaluated, or not in the document alone. */
const SPECIAL: Record<string, (argument: unknown) => Expression> = {
  $cond: argument => {
    const named = isObject(argument) ? [argument.if, argument.then, argument.else] : argument;
    if (!isArray(named) || named.length !== 3) fail('BadValue', '$cond needs if, then and else');
    const [test, yes, no] = named.map(compileExpression);
    return (doc, variables) => (truthy(test?.(doc, variables)) ? yes : no)?.(doc, variables);
  },
  $switch: argument => {
    if (!isObject(argument) || !isArray(argument.branches)) fail('BadValue', '$switch needs branches');
    const branches = argument.branches.map(branch => {
      if (!isObject(branch)) fail('BadValue', '$switch needs branches of case and then');
      return { test: compileExpression(branch.case), then: compileExpression(branch.then) };
    });
    const otherwise = argument.default === undefined ? undefined : compileExpression(argument.default);
    return (doc, variables) => {
      const chosen = branches.find(({ test }) => truthy(test(doc, variables)))?.then ?? otherwise;
      return chosen ? chosen(doc, variables) : fail('BadValue', '$switch could not find a matching branch and has no default');
    };
  },
  $filter: argument => each('$filter', argument, 'cond', (elements, test) => elements.filter(element => truthy(test(element)))),
  $map: argument => each('$map', argument, 'in', (elements, value) => elements.map(element => value(element) ?? null)),
  $dateToString: argument => {
    if (!isObject(argument)) fail('BadValue', '$dateToString needs a document');
    const other = Object.keys(argument).find(name => !['date', 'format'].includes(name));
    if (other) unsupported(`'${other}' of $dateToString`);
    const date = compileExpression(argument.date);
    const format = argument.format ?? '%Y-%m-%dT%H:%M:%S.%LZ';
    return (doc, variables) => formatDate(date(doc, variables), string('$dateToString', format));
  },
};

function each(name: string, argument: unknown, body: string, apply: (elements: unknown[], test: (element: unknown) => unknown) => unknown): Expression {
  if (!isObject(argument)) fail('BadValue', `${name} needs a document`);
  const other = Object.keys(argument).find(key => !['input', 'as', body].includes(key));
  if (other) unsupported(`'${other}' of ${name}`);
  const as = typeof argument.as === 'string' ? argument.as : 'this';
  const [input, inner] = [compileExpression(argument.input), compileExpression(argument[body])];
  return (doc, variables) => {
    const elements = input(doc, variables);
    return elements == null ? null : apply(array(name, elements), element => inner(doc, { ...variables, [as]: element }));
  };
}

function formatDate(date: unknown, format: string): string | null {
  if (date == null) return null;
  if (!(date instanceof Date)) fail('BadValue', '$dateToString needs a date');
  const iso = date.toISOString();
  const pieces: Record<string, string> = { Y: iso.slice(0, 4), m: iso.slice(5, 7), d: iso.slice(8, 10), H: iso.slice(11, 13), M: iso.slice(14, 16), S: iso.slice(17, 19), L: iso.slice(20, 23), '%': '%' };
  return format.replace(/%(.)/g, (whole, letter: string) => pieces[letter] ?? unsupported(`the format '${whole}' of $dateToString`));
}

const array = (name: string, value: unknown) => (isArray(value) ? value : fail('BadValue', `${name} needs an array`));
const string = (name: string, value: unknown) => (typeof value === 'string' ? value : fail('BadValue', `${name} only supports strings, not ${kindOf(value).alias}`));

/** Null if any operand is null or missing, as all of MongoDB's arithmetic. */
function numeric(name: string, values: unknown[], apply: (numbers: Num[]) => unknown): unknown {
  if (values.some(value => value == null)) return null;
  const numbers = values.filter(isNumber);
  if (numbers.length < values.length) fail('TypeMismatch', `${name} only supports numeric types`);
  return apply(numbers) ?? null;
}

const sum = (a: Num, b: Num): Num => add(a, b) ?? new Double(toDouble(a) + toDouble(b));
const product = (a: Num, b: Num): Num => multiply(a, b) ?? new Double(toDouble(a) * toDouble(b));

function total(values: unknown[]): unknown {
  const dates = values.filter(value => value instanceof Date);
  if (dates.length > 1) fail('BadValue', 'only one date allowed in an $add expression');
  const others = values.filter(value => !(value instanceof Date));
  const result = numeric('$add', others, numbers => numbers.reduce(sum, new Int32(0)));
  const [date] = dates;
  return date && isNumber(result) ? new Date(date.getTime() + Math.round(toDouble(result))) : result;
}

function subtract(a: unknown, b: unknown): unknown {
  if (a instanceof Date && b instanceof Date) return Long.fromNumber(a.getTime() - b.getTime());
  if (a instanceof Date && isNumber(b)) return new Date(a.getTime() - Math.round(toDouble(b)));
  return numeric('$subtract', [a, b], ([x, y]) => x && y && sum(x, negated(y)));
}

function divide(a?: Num, b?: Num): Num | undefined {
  if (a instanceof Decimal128 || b instanceof Decimal128) unsupported('$divide of decimals');
  if (b && toDouble(b) === 0) fail('BadValue', "can't $divide by zero");
  return a && b && new Double(toDouble(a) / toDouble(b));
}

function modulo(a?: Num, b?: Num): Num | undefined {
  if (a instanceof Decimal128 || b instanceof Decimal128) unsupported('$mod of decimals');
  if (b && toDouble(b) === 0) fail('BadValue', "can't $mod by zero");
  if (a instanceof Long && b && !(b instanceof Double)) return a.modulo(Long.fromString(b.toString()));
  if (a instanceof Int32 && b instanceof Long) return Long.fromNumber(a.value).modulo(b);
  if (a instanceof Int32 && b instanceof Int32) return whole(a.value % b.value);
  return a && b && new Double(toDouble(a) % toDouble(b));
}

function rounded(a: Num | undefined, round: (value: number) => number): Num | undefined {
  if (a instanceof Decimal128) unsupported('rounding of decimals');
  return a instanceof Double ? new Double(round(a.value)) : a;
}
