/** The part of the package that is used: its own declarations do not resolve for ES modules. */
declare module '@huggingface/jinja' {
  interface Token {
    type: string;
  }
  export interface Statement {
    type: string;
  }
  interface Program extends Statement {
    type: 'Program';
  }
  export interface RuntimeValue {
    value: unknown;
  }
  interface Whitespace {
    /** Strip whitespace before a block. */
    lstrip_blocks: boolean;
    /** Strip the newline after a block. */
    trim_blocks: boolean;
  }
  /** @throws SyntaxError */
  export function tokenize(source: string, options: Whitespace): Token[];
  /** @throws SyntaxError */
  export function parse(tokens: Token[]): Program;
  export class Environment {
    set(name: string, value: unknown): unknown;
  }
  export class Interpreter {
    constructor(environment: Environment);
    /** @throws Error for faults of the template */
    run(program: Program): RuntimeValue;
    /** Called for each statement and expression, nested ones included. */
    evaluate(statement: Statement | undefined, environment: Environment): RuntimeValue;
  }
}
