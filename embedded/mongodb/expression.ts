/**
 * Aggregation expressions, on values that keep their BSON types. A small part of MongoDB's: every other operator is
 * refused by name, none gives a result of another type or value than MongoDB's.
 */
import { Decimal128, Double, Int32, Long } from 'bson';
import { compare } from './compare.ts';
import { fail, unsupported } from './errors.ts';
import { add, isNumber, multiply, type Num, negated, toDouble } from './numbers.ts';
import { field, parts } from './paths.ts';
import { type Doc, isArray, isObject, kindOf, table, truthy } from './values.ts';

/** undefined is a missing value: a field computed to it is left out. */
export type Expression = (doc: unknown) => unknown;

/** Throws InvalidPipelineOperator for an operator, NotImplemented for a variable that is not there. */
export function compileExpression(expression: unknown): Expression {
  if (typeof expression === 'string' && expression.startsWith('$')) return reference(expression);
  if (isArray(expression)) {
    const members = expression.map(compileExpression);
    return doc => members.map(member => member(doc) ?? null);
  }
  if (!isObject(expression)) return () => expression;
  const [name] = Object.keys(expression);
  if (name?.startsWith('$')) return operator(name, expression);
  const fields = Object.entries(expression).map(([key, value]): [string, Expression] => [
    key,
    compileExpression(value),
  ]);
  return doc => {
    const computed = fields.map(([key, value]): [string, unknown] => [key, value(doc)]);
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
  return name === 'REMOVE' ? () => undefined : unsupported(`the variable $$${name}`);
}

/** Through an array, a path gives what it gives for each of its documents; positions do not count here. */
function follow(value: unknown, path: string[], i = 0): unknown {
  if (i === path.length || value === undefined) return value;
  if (!isArray(value)) return follow(field(value, path[i] ?? ''), path, i + 1);
  return value.map(element => follow(element, path, i)).filter(found => found !== undefined);
}

function operator(name: string, expression: Doc): Expression {
  if (Object.keys(expression).length !== 1)
    fail('FailedToParse', `an expression must have one operator, not only ${name}`);
  const argument = expression[name];
  if (name === '$literal') return () => argument;
  if (name === '$cond') return condition(argument);
  if (name === '$dateToString') return dateToString(argument);
  const known = OPERATORS[name];
  if (!known) fail('InvalidPipelineOperator', `Unrecognized or unsupported expression '${name}'`);
  const [operands, apply] = known;
  const inputs = (isArray(argument) ? argument : [argument]).map(compileExpression);
  if (operands !== ANY && inputs.length !== operands) {
    fail('BadValue', `Expression ${name} takes exactly ${operands} arguments. ${inputs.length} were passed in.`);
  }
  return doc => apply(inputs.map(input => input(doc)));
}

type Operator = [operands: number, apply: (values: unknown[]) => unknown];

const ANY = -1;

const comparing = (accepts: (order: number) => boolean): Operator => [2, ([a, b]) => accepts(compare(a, b))];

const OPERATORS = table<Operator>({
  $eq: comparing(order => order === 0),
  $ne: comparing(order => order !== 0),
  $gt: comparing(order => order > 0),
  $gte: comparing(order => order >= 0),
  $lt: comparing(order => order < 0),
  $lte: comparing(order => order <= 0),
  $cmp: [2, ([a, b]) => new Int32(Math.sign(compare(a, b)))],
  $and: [ANY, values => values.every(truthy)],
  $or: [ANY, values => values.some(truthy)],
  $not: [1, ([value]) => !truthy(value)],
  $ifNull: [ANY, values => values.find(value => value != null) ?? values.at(-1)],
  $add: [ANY, total],
  $subtract: [2, ([a, b]) => subtract(a, b)],
  $multiply: [ANY, values => numeric('$multiply', values, numbers => numbers.reduce(product, new Int32(1)))],
  $divide: [2, values => numeric('$divide', values, ([a, b]) => divide(a, b))],
  $concat: [ANY, values => (values.some(value => value == null) ? null : values.map(string).join(''))],
  $size: [1, ([value]) => (isArray(value) ? new Int32(value.length) : fail('BadValue', '$size needs an array'))],
  $arrayElemAt: [2, ([array, position]) => elementAt(array, position)],
  $in: [2, ([value, array]) => membersOf(array).some(member => compare(member, value) === 0)],
  $mergeObjects: [ANY, values => Object.assign({}, ...values.filter(value => value != null))],
});

function condition(argument: unknown): Expression {
  const all = isObject(argument) ? [argument.if, argument.then, argument.else] : argument;
  if (!isArray(all) || all.length !== 3) fail('BadValue', '$cond needs if, then and else');
  const [test, yes, no] = all.map(compileExpression);
  return doc => (truthy(test?.(doc)) ? yes : no)?.(doc);
}

function dateToString(argument: unknown): Expression {
  if (!isObject(argument)) fail('BadValue', '$dateToString needs a document');
  const other = Object.keys(argument).find(name => !['date', 'format'].includes(name));
  if (other) unsupported(`'${other}' of $dateToString`);
  const date = compileExpression(argument.date);
  const format = string(argument.format ?? '%Y-%m-%dT%H:%M:%S.%LZ');
  return doc => formatDate(date(doc), format);
}

/** Where in an ISO 8601 date each piece stands. */
const PIECES = table<[from: number, to: number]>({
  ...{ Y: [0, 4], m: [5, 7], d: [8, 10], H: [11, 13], M: [14, 16], S: [17, 19], L: [20, 23] },
});

function formatDate(date: unknown, format: string): string | null {
  if (date == null) return null;
  if (!(date instanceof Date)) fail('BadValue', '$dateToString needs a date');
  const iso = date.toISOString();
  return format.replace(/%(.)/g, (piece, letter: string) => {
    if (letter === '%') return letter;
    return iso.slice(...(PIECES[letter] ?? unsupported(`the format '${piece}' of $dateToString`)));
  });
}

const string = (value: unknown) =>
  typeof value === 'string' ? value : fail('BadValue', `only strings can be used here, not ${kindOf(value).alias}`);

const membersOf = (value: unknown) => (isArray(value) ? value : fail('BadValue', '$in needs an array'));

function elementAt(array: unknown, position: unknown): unknown {
  if (array == null || position == null) return null;
  const at = isNumber(position) ? toDouble(position) : Number.NaN;
  if (!isArray(array) || !Number.isInteger(at)) fail('BadValue', '$arrayElemAt needs an array and a whole number');
  return array.at(at);
}

/** Null if any operand is null or missing, as all of MongoDB's arithmetic. */
function numeric(name: string, values: unknown[], apply: (numbers: Num[]) => unknown): unknown {
  if (values.some(value => value == null)) return null;
  const numbers = values.filter(isNumber);
  if (numbers.length < values.length) fail('TypeMismatch', `${name} only supports numeric types`);
  return apply(numbers);
}

/** Whole numbers that leave 64 bits become doubles, as in MongoDB. */
const sum = (a: Num, b: Num): Num => add(a, b) ?? new Double(toDouble(a) + toDouble(b));
const product = (a: Num, b: Num): Num => multiply(a, b) ?? new Double(toDouble(a) * toDouble(b));

function total(values: unknown[]): unknown {
  const [date, ...more] = values.filter(value => value instanceof Date);
  if (more.length > 0) fail('BadValue', 'only one date allowed in an $add expression');
  const others = values.filter(value => !(value instanceof Date));
  const result = numeric('$add', others, numbers => numbers.reduce(sum, new Int32(0)));
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
