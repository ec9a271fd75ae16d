import type { Action, Content, Observation, ToolAnnotations, ToolDescription } from '../events/index.js';
import type { ResponseSchema } from './structured/response-schema.js';
import type { ToolHost } from './tool-host.js';

/** JSON schema of a tool's arguments: `type: object`, with `properties` and `required`. */
export interface ToolSchema {
  type: 'object';
  properties: Record<string, Record<string, unknown>>;
  required?: string[];
  /** Undeclared fields are accepted without validation. */
  additionalProperties?: boolean;
}

/** How an execution is aborted and observed. */
export interface ExecutionContext {
  /** Aborted on interrupt and at shutdown. The tool must then return or throw soon. */
  readonly signal: AbortSignal;
  /**
   * Receives what a command prints while it runs: UTF-8 with control sequences, in chunks that may end within
   * a character. Secrets are not masked.
   */
  readonly onOutput?: (bytes: Buffer) => void;
}

/** Something that a call uses exclusively. Calls that share a resource run one after another. */
export interface ToolResource {
  kind: 'file' | 'terminal' | 'tool';
  /** For files the absolute path. */
  key: string;
  /** The call leaves it as it is. */
  isOnlyRead?: boolean;
}

/** A call with validated arguments. It describes itself and can be executed once. */
export interface ToolInvocation {
  /**
   * The normalised arguments as the action event shows them: in schema order, with defaults filled in and
   * unset optional fields absent, `kind` last.
   */
  readonly action: Action;
  /** The resources that the call needs; empty: it may run concurrently with any other call. */
  touches(): ToolResource[];
  /**
   * Runs the call. A failure of the task itself is an observation with `is_error`.
   * @throws ToolExecutionError for mistakes of the model; any other error counts as a fault of the tool
   */
  execute(context: ExecutionContext): Promise<Observation>;
}

/** The tool refuses the call. The model sees `Error executing tool '<name>': <message>`. */
export class ToolExecutionError extends Error {
  override readonly name = 'ToolExecutionError';
}

/**
 * A tool of one conversation. Definitions (names, schemas, texts) are shared; an instance may hold state such
 * as a shell, which it starts on first use.
 */
export interface Tool {
  readonly definition: ToolDefinition;
  /** Creates an invocation from arguments that passed the definition's schema. */
  prepare(args: Record<string, unknown>): ToolInvocation;
  /** Ends everything the instance started (shells with all their children). Idempotent. */
  close(): Promise<void>;
}

/** What all instances of a tool have in common. */
export interface ToolDefinition {
  /** The name that models call, in snake_case. */
  readonly name: string;
  /** Class names that clients know: `TerminalTool`, `TerminalAction`, `TerminalObservation`. */
  readonly kind: string;
  readonly actionKind: string;
  readonly observationKind: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  /** The schema that arguments are validated against. */
  readonly schema: ToolSchema;
  /** A JSON schema that models are sent unchanged; default: derived from `schema`. */
  readonly modelSchema?: Record<string, unknown>;
  /** Fields that a client wants with each call, beside the arguments (`response_schema`). */
  readonly response?: ResponseSchema;
  /**
   * Creates the conversation's instance. `params` come from the tool's entry in the agent's configuration.
   */
  create(host: ToolHost, params: Record<string, unknown>): Tool;
  /**
   * Maps alternative spellings to those of the schema before validation. The stored call keeps what the model
   * wrote.
   */
  normaliseArguments?(args: Record<string, unknown>): Record<string, unknown>;
  /** The name of the arguments in validation errors; default: `actionKind`. */
  readonly argumentsTitle?: string;
  /** The arguments in a stored action; default: all fields except `kind`. */
  argumentsOf?(action: Action): Record<string, unknown>;
  /** Fields that replace or extend the description that clients receive. */
  readonly clientDescription?: Pick<
    ToolDescription,
    'annotations' | 'meta' | 'mcp_tool' | 'client_tool_name' | 'input_schema'
  >;
  /** Renders a stored observation for the model; default: its content unchanged. Must be pure. */
  render?(observation: Observation): Content[];
}

/** The description in the system prompt event. */
export function describeTool(definition: ToolDefinition): ToolDescription {
  const { description, actionKind, observationKind, annotations, clientDescription, kind, title } =
    definition;
  return {
    description,
    action_type: actionKind,
    observation_type: observationKind,
    annotations,
    ...clientDescription,
    kind,
    title,
  };
}
