import { compile, TreeInterpreter, type JSONValue } from '@jmespath-community/jmespath';
import { errorMessage } from '../../errors/index.js';
import { runWithin } from '../../flow/index.js';
import { isJsonObject } from '../../json/index.js';
import { ALLOWED_FUNCTIONS, filterRegex } from './filter-functions.js';

/** The longest expression (characters). */
export const MAX_EXPRESSION = 2_000;
/**
 * Time limit of one evaluation (ms). Payloads come from anyone; an expression that needs longer has failed.
 */
export const FILTER_LIMIT_MS = 50;

/** Kinds of nodes beyond the standard of JMESPath, by what they are called in messages. */
const BEYOND_STANDARD: Readonly<Record<string, string>> = {
  LetExpression: 'let',
  Variable: 'variables',
  Root: '$',
  Ternary: '? :',
  Arithmetic: 'arithmetic',
  Unary: 'arithmetic',
};

/** A text is no expression that filters take. The message says why, for people. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/** A JMESPath expression over payloads of events. */
export class EventExpression {
  private constructor(private readonly node: ReturnType<typeof compile>) {}

  /**
   * Reads an expression of the standard with the functions of `FILTER_FUNCTIONS`.
   * @throws ExpressionError if it is too long or invalid, calls an unknown function or one that is not of the
   *   standard, or contains a regular expression that is none
   */
  static parse(expression: string): EventExpression {
    if (expression.length > MAX_EXPRESSION) {
      throw new ExpressionError(`An expression has at most ${MAX_EXPRESSION} characters.`);
    }
    let node;
    try {
      node = compile(expression, { enable_legacy_literals: true });
    } catch (error) {
      throw new ExpressionError(errorMessage(error));
    }
    checkNodes(node);
    return new EventExpression(node);
  }

  /**
   * The value of the expression.
   * @throws TimeLimitError after 50 ms; an error for arguments of a wrong type
   */
  evaluate(payload: unknown): unknown {
    return runWithin(FILTER_LIMIT_MS, () => TreeInterpreter.search(this.node, payload as JSONValue));
  }

  /**
   * Whether the value counts as true: not null, false, nor an empty text, list or object.
   * @throws as `evaluate`
   */
  matches(payload: unknown): boolean {
    const value = this.evaluate(payload);
    if (value === null || value === undefined || value === false || value === '') return false;
    if (Array.isArray(value)) return value.length > 0;
    return !isJsonObject(value) || Object.keys(value).length > 0;
  }
}

function checkNodes(root: unknown): void {
  const open: unknown[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (Array.isArray(node)) open.push(...(node as unknown[]));
    if (!isJsonObject(node)) continue;
    const refused = BEYOND_STANDARD[String(node.type)];
    if (refused !== undefined)
      throw new ExpressionError(`${refused} is not part of the standard of JMESPath.`);
    if (node.type === 'Function') checkCall(node);
    // A literal holds a value and no nodes.
    if (node.type !== 'Literal') open.push(...Object.values(node));
  }
}

function checkCall({ name, children }: Record<string, unknown>): void {
  const called = String(name);
  if (!ALLOWED_FUNCTIONS.has(called)) throw new ExpressionError(`Unknown function: ${called}()`);
  const pattern: unknown = Array.isArray(children) ? children[1] : undefined;
  if (called !== 'regex' || !isJsonObject(pattern) || pattern.type !== 'Literal') return;
  try {
    filterRegex(String(pattern.value));
  } catch (error) {
    throw new ExpressionError(`regex(): ${errorMessage(error)}`);
  }
}
