import { isDeepStrictEqual } from 'node:util';
import type { Facts, ObjectShape, OperationFacts, Shape } from './api-facts.js';

/** A difference between two API documents. */
export interface Difference {
  /** An operation and a part of it, or a schema of the original and a field of it: `request LLM.model`. */
  place: string;
  theirs: string;
  ours: string;
}

type Direction = 'request' | 'response';

/** A member of a union, or the only type there is. */
interface Member {
  shape: Exclude<Shape, { anyOf: Shape[] } | { enum: unknown[] }>;
  /** The name of its schema, if it has one. */
  name?: string;
}

/**
 * Compares the document of the original (`theirs`) with ours. Only differences that a client could notice
 * count: an answer may promise more than theirs (more required fields, a type instead of any), a request must
 * not require more.
 */
export class Comparison {
  readonly differences: Difference[] = [];
  private readonly seen = new Set<string>();

  constructor(
    private readonly theirs: Facts,
    private readonly ours: Facts,
  ) {}

  /** Compares one operation. */
  operation(name: string): void {
    const [their, our] = [this.theirs.operations[name], this.ours.operations[name]];
    if (!their || !our) return this.report(name, their ? 'there' : 'not there', our ? 'there' : 'not there');
    this.parameters(name, their, our);
    this.bodies(`${name} body`, their.body, our.body);
    for (const [status, shape] of Object.entries(their.answers)) {
      const answer = our.answers[status];
      if (answer === undefined) this.report(`${name} ${status}`, 'documented', 'not documented');
      else if (shape) this.shapes(shape, answer ?? 'nothing', 'response', `${name} ${status}`);
    }
  }

  private parameters(name: string, their: OperationFacts, our: OperationFacts): void {
    for (const key of new Set([...Object.keys(their.parameters), ...Object.keys(our.parameters)])) {
      const [theirOne, ourOne] = [their.parameters[key], our.parameters[key]];
      const place = `${name} ${key}`;
      if (!theirOne || !ourOne) {
        this.report(place, theirOne ? 'there' : 'not there', ourOne ? 'there' : 'not there');
        continue;
      }
      this.shapes(theirOne.shape, ourOne.shape, 'request', place);
      this.defaults(place, theirOne.default, ourOne.default);
    }
  }

  private bodies(place: string, their: OperationFacts['body'], our: OperationFacts['body']): void {
    if (!their || !our) return this.same(place, their && 'a body', our && 'a body');
    this.shapes(their.shape, our.shape, 'request', place);
    this.same(`${place} required`, their.required, our.required);
  }

  private shapes(their: Shape, our: Shape, direction: Direction, place: string): void {
    const theirMembers = membersOf(this.theirs, their);
    const ourMembers = membersOf(this.ours, our);
    if (direction === 'response' && theirMembers.has('any')) return;
    const lacking = missing(theirMembers, ourMembers, direction === 'request' ? 'narrow' : 'wide', direction);
    const further = missing(ourMembers, theirMembers, direction === 'request' ? 'wide' : 'narrow', direction);
    for (const [key, member] of theirMembers) {
      const counterpart = ourMembers.get(key);
      if (counterpart) this.members(member, counterpart, direction, place);
    }
    // Two objects that differ only in their names are compared as the same.
    const [lacks, has] = [lacking[0]?.[1], further[0]?.[1]];
    if (lacking.length === 1 && further.length === 1 && lacks && has) {
      if (areObjects(lacks, has)) return this.members(lacks, has, direction, place);
      // A map whose entries are named in our document.
      if (direction === 'response' && isMapOf(lacks, has)) return;
    }
    if (lacking.length + further.length > 0) this.report(place, keys(lacking), keys(further));
  }

  private members(their: Member, our: Member, direction: Direction, outer: string): void {
    const [theirShape, ourShape] = [their.shape, our.shape];
    if (typeof theirShape === 'string' || typeof ourShape === 'string') return;
    const pair = `${direction} ${their.name ?? outer} ${our.name ?? ''}`;
    if (this.seen.has(pair)) return;
    this.seen.add(pair);
    const place = their.name === undefined ? outer : `${direction} ${plainName(their.name)}`;
    if ('list' in theirShape && 'list' in ourShape) {
      this.shapes(theirShape.list, ourShape.list, direction, `${place}[]`);
      this.same(`${place} limits`, theirShape.limits, ourShape.limits);
    } else if ('map' in theirShape && 'map' in ourShape) {
      this.shapes(theirShape.map, ourShape.map, direction, `${place}{}`);
    } else if ('fields' in theirShape && 'fields' in ourShape) {
      this.objects(theirShape, ourShape, direction, place);
    }
  }

  private objects(their: ObjectShape, our: ObjectShape, direction: Direction, place: string): void {
    for (const name of new Set([...Object.keys(their.fields), ...Object.keys(our.fields)])) {
      const [theirField, ourField] = [their.fields[name], our.fields[name]];
      if (theirField === undefined || ourField === undefined) {
        this.report(`${place}.${name}`, theirField ? 'there' : 'not there', ourField ? 'there' : 'not there');
        continue;
      }
      this.shapes(theirField, ourField, direction, `${place}.${name}`);
      const [theirNeed, ourNeed] = [their.required.includes(name), our.required.includes(name)];
      if (theirNeed !== ourNeed && (direction === 'request' || theirNeed)) {
        this.same(`${place}.${name} required`, theirNeed, ourNeed);
      }
      if (direction === 'request')
        this.defaults(`${place}.${name}`, their.defaults[name], our.defaults[name]);
    }
    if (direction === 'request') this.same(`${place} closed`, their.closed, our.closed);
  }

  /**
   * The document of the original omits defaults that are created each time (lists, maps) and fixed values.
   */
  private defaults(place: string, theirs: unknown, ours: unknown): void {
    if (theirs === undefined && (typeof ours === 'object' || place.endsWith('.kind'))) return;
    this.same(`${place} default`, theirs, ours);
  }

  private same(place: string, theirs: unknown, ours: unknown): void {
    // A missing default and null are the same for a client that leaves the field out.
    if (!isDeepStrictEqual(theirs ?? null, ours ?? null)) this.report(place, show(theirs), show(ours));
  }

  private report(place: string, theirs: string, ours: string): void {
    this.differences.push({ place, theirs, ours });
  }
}

/**
 * The members of a type by what distinguishes them: the word, the value, the kind or the name of a schema.
 */
function membersOf(
  facts: Facts,
  shape: Shape,
  name?: string,
  into = new Map<string, Member>(),
): Map<string, Member> {
  if (typeof shape === 'string') {
    if (!shape.startsWith('@')) return into.set(shape, { shape, name });
    const target = facts.schemas[shape.slice(1)];
    return target === undefined ? into.set(shape, { shape }) : membersOf(facts, target, shape.slice(1), into);
  }
  if ('enum' in shape) {
    for (const value of shape.enum) into.set(JSON.stringify(value), { shape: 'value' });
  } else if ('anyOf' in shape) {
    for (const member of shape.anyOf) membersOf(facts, member, undefined, into);
  } else if ('of' in shape) {
    for (const member of Object.values(shape.of)) membersOf(facts, member, undefined, into);
  } else {
    into.set(keyOf(shape, name), { shape, name });
  }
  return into;
}

function keyOf(shape: Shape, name?: string): string {
  if (typeof shape === 'string') return shape;
  if ('list' in shape) return 'list';
  if ('map' in shape) return 'map';
  if (!('fields' in shape)) return 'union';
  for (const field of ['kind', 'type']) {
    const tag = shape.fields[field];
    if (typeof tag === 'object' && 'enum' in tag && tag.enum.length === 1) return String(tag.enum[0]);
  }
  return name === undefined ? 'object' : plainName(name);
}

/** Schemas that are read and written have two names in the original. */
function plainName(name: string): string {
  return name.replace(/-(Input|Output)$/, '');
}

/**
 * The members of `some` that are missing in `others`. In the `narrow` role a wider word covers a member
 * (`string` covers `string uuid`), in the `wide` role a narrower one: an answer may promise less than the
 * type allows. Null need not be answered and may be accepted.
 */
function missing(
  some: Map<string, Member>,
  others: Map<string, Member>,
  role: 'narrow' | 'wide',
  direction: Direction,
): [string, Member][] {
  const isCovered = (key: string): boolean =>
    [...others.keys()].some((other) =>
      role === 'narrow' ? isWider(other, key, direction) : isWider(key, other, direction),
    );
  const isFree = (key: string): boolean => role === 'wide' && key === 'null';
  return [...some].filter(([key]) => !others.has(key) && !isCovered(key) && !isFree(key));
}

/**
 * In answers a fixed text counts as a string. A request must not accept any string where values are listed.
 */
function isWider(wide: string, narrow: string, direction: Direction): boolean {
  if (direction === 'response' && wide === 'string' && narrow.startsWith('"')) return true;
  return narrow.startsWith(`${wide} `) || (wide === 'number' && narrow === 'integer');
}

function areObjects(...members: Member[]): boolean {
  return members.every(({ shape }) => typeof shape !== 'string' && 'fields' in shape);
}

function isMapOf({ shape: map }: Member, { shape: object }: Member): boolean {
  if (typeof map === 'string' || typeof object === 'string' || !('map' in map) || !('fields' in object))
    return false;
  return map.map === 'any' || (map.map === 'string' && Object.values(object.fields).every(isText));
}

function isText(shape: Shape): boolean {
  return shape === 'string' || (typeof shape === 'object' && 'enum' in shape);
}

function keys(members: [string, Member][]): string {
  return members.map(([key]) => key).join(' | ') || '-';
}

function show(value: unknown): string {
  return value === undefined ? '-' : JSON.stringify(value);
}
