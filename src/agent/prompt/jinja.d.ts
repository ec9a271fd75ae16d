/** The part of the package that is used here: its own declarations do not resolve for ES modules. */
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
    /** Blanks before a block go. */
    lstrip_blocks: boolean;
    /** The line break behind a block goes. */
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
    /** @throws Error for what the template does wrong */
    run(program: Program): RuntimeValue;
    /** Called for each statement and expression, nested ones included. */
    evaluate(statement: Statement | undefined, environment: Environment): RuntimeValue;
  }
}
