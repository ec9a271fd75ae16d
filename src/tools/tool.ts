import type { Action, Content, Observation, ToolAnnotations, ToolDescription } from '../events/index.js';

/** JSON schema of a tool's own arguments: `type: object`, with `properties` and `required`. */
export interface ToolSchema {
  type: 'object';
  properties: Record<string, Record<string, unknown>>;
  required?: string[];
  /** Fields that are not declared are taken as they are. */
  additionalProperties?: boolean;
}

/** The secrets that a command names. */
export interface NamedSecrets {
  /** Values by name, ready to be set as variables. */
  variables: Record<string, string>;
  /** What could not be had, for the model. */
  problems: string[];
}

/** Hides secrets in a text that comes in pieces: both answer what can be shown now. */
export interface SecretStream {
  write(piece: string): string;
  /** The rest, when nothing more comes. */
  end(): string;
}

/** The secrets of a conversation, for its tools. */
export interface ToolSecrets {
  /** @throws the reason of the signal once it is aborted */
  namedIn(command: string, signal: AbortSignal): Promise<NamedSecrets>;
  /** The text without secret values; use it before a text is cut or kept in a file. */
  mask(text: string): string;
  stream(): SecretStream;
}

/** A skill of a conversation, for the tool that gets its text. */
export interface ToolSkill {
  name: string;
  content: string;
  /** The file that it comes from (absolute path). */
  source: string | null;
  /** Whether the model may ask for it. */
  invocable: boolean;
}

/** What a tool asked of its conversation cannot be done; the message is for the model. */
export class HostRefusal extends Error {
  override readonly name = 'HostRefusal';
}

/** Agents that do a task for the agent of a conversation, by what they are good for. */
export interface SubAgentType {
  name: string;
  description: string;
  /** What it works with. */
  tools: readonly string[];
}

/** What came of a task. */
export interface TaskResult {
  taskId: string;
  /** The type of the agent that did it. */
  subagent: string;
  /** What it says, or why there is nothing. */
  text: string;
  failed: boolean;
}

/** Has tasks done by other agents. */
export interface SubAgents {
  readonly types: readonly SubAgentType[];
  /**
   * Resolves when the task has ended.
   * @param task `resume` is the id of an earlier one that is to go on
   * @throws HostRefusal; the reason of the signal once it is aborted
   */
  run(task: { prompt: string; type: string; resume?: string }, signal: AbortSignal): Promise<TaskResult>;
}

/** What a child conversation is to do. */
export interface ChildRequest {
  task: string;
  title: string | null;
  /** In a git worktree of its own, or in the folder of its parent. */
  isolation: 'worktree' | 'shared';
}

/** What is answered of a child that was started; field names are the wire's. */
export interface StartedChild {
  conversation_id: string;
  parent_conversation_id: string;
  status: string;
  title: string | null;
  url: null;
  workspace: string;
  isolation: 'worktree' | 'shared';
}

/** The models of stored profiles. */
export interface ToolModels {
  /** The names of the profiles, as they were when the tools were made. */
  readonly names: readonly string[];
  /** Those whose models take images, for an agent whose own model does not. */
  readonly visionNames: readonly string[];
  /**
   * Gives the agent the model of a profile from its next answer on; answers the name of the model.
   * @throws HostRefusal
   */
  switchTo(profile: string): Promise<string>;
  /**
   * Has a model find out what kind of task the conversation is about, and switches to the profile for it.
   * @param params of the tool that asks: `meta_profile` with models of its own in `meta_profile_llms`, or its
   *   name in `active_meta_profile`; default: what the
   *   settings say
   * @throws HostRefusal; the reason of the signal once it is aborted
   */
  route(params: Record<string, unknown>, signal: AbortSignal): Promise<RoutedModel>;
  /**
   * Asks the model of a profile a question that stands for itself.
   * @throws HostRefusal; the reason of the signal once it is aborted
   */
  ask(question: ModelQuestion, signal: AbortSignal): Promise<ModelAnswer>;
}

/** The model that a task was given to. */
export interface RoutedModel {
  /** What kind of task it was taken for. */
  chosenClass: string;
  profile: string;
  /** The name of the model. */
  model: string;
}

/** A question to a model that knows nothing else. */
export interface ModelQuestion {
  profile: string;
  /** The usage id that its cost is counted in; default: one made of the profile and its model. */
  bucket?: string;
  /** What the model is told of its role. */
  instructions?: string;
  question: string;
  /** URLs, `http(s)` or `data`. */
  images?: readonly string[];
}

/** What a model said, and which one it was. */
export interface ModelAnswer {
  text: string;
  model: string;
  baseUrl: string | null;
}

/** What a tool gets to know of the conversation that it works for. */
export interface ToolHost {
  readonly conversationId: string;
  /** Absolute path of the workspace. */
  readonly workingDir: string;
  /** Where the tool may keep files of its own for this conversation (absolute path; create before use). */
  readonly folder: string;
  /** How `folder` is shown to clients (`persistence_dir`, as configured, possibly relative). */
  readonly shownFolder: string;
  readonly secrets?: ToolSecrets;
  /** Whether the server lets agents use a browser; absent: it does. */
  readonly browserEnabled?: boolean;
  /** Absent for sub-agents. */
  readonly subAgents?: SubAgents;
  /** Absent for sub-agents. */
  readonly models?: ToolModels;
  /** The images of the latest message of the user: URLs, `http(s)` or `data`. */
  readonly latestImages?: () => readonly string[];
  /**
   * Starts a conversation that works on a task beside this one. Absent for sub-agents.
   * @throws HostRefusal
   */
  readonly startChild?: (request: ChildRequest) => Promise<StartedChild>;
  /** The skills of the conversation as they are now. */
  skills?(): ToolSkill[];
}

/** How an execution is steered and watched. */
export interface ExecutionContext {
  /** Aborted by an interrupt or at shutdown: stop soon, answer or throw. */
  readonly signal: AbortSignal;
  /** Live output as it comes, for whoever watches. */
  readonly onOutput?: (chunk: string) => void;
}

/** Something a tool will touch, for locks and policy. */
export interface ToolResource {
  kind: 'file' | 'terminal' | 'tool';
  /** For files the absolute path. */
  key: string;
}

/** A call whose arguments are valid: it can say what it is and be executed once. */
export interface ToolInvocation {
  /**
   * The normalised arguments as the action event shows them: schema order, defaults filled in, unset
   * optionals absent, `kind` last.
   */
  readonly action: Action;
  /** What it will touch; empty: nothing that needs a lock. */
  touches(): ToolResource[];
  /**
   * Runs it. Failures of the task at hand are observations with `is_error`.
   * @throws ToolExecutionError for what the model did wrong; anything else is an internal error
   */
  execute(context: ExecutionContext): Promise<Observation>;
}

/** The executor refuses the call; the model sees `Error executing tool '<name>': <message>`. */
export class ToolExecutionError extends Error {
  override readonly name = 'ToolExecutionError';
}

/**
 * One tool of one conversation. Definitions (names, schemas, texts) are shared; an instance may hold state
 * such as a shell, and starts it at its first use.
 */
export interface Tool {
  readonly definition: ToolDefinition;
  /** Makes an invocation of arguments that passed the definition's schema. */
  prepare(args: Record<string, unknown>): ToolInvocation;
  /** Ends what the instance started (shells and all their children). Idempotent. */
  close(): Promise<void>;
}

/** What is the same for every instance of a tool. */
export interface ToolDefinition {
  /** The name the model calls: snake_case. */
  readonly name: string;
  /** Class names as clients know them: `TerminalTool`, `TerminalAction`, `TerminalObservation`. */
  readonly kind: string;
  readonly actionKind: string;
  readonly observationKind: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  /** What arguments are validated against. */
  readonly schema: ToolSchema;
  /** The JSON schema of an object that models are given as it stands; default: made of `schema`. */
  readonly modelSchema?: Record<string, unknown>;
  /** Makes the conversation's instance. `params` come from the tool spec of the create request. */
  create(host: ToolHost, params: Record<string, unknown>): Tool;
  /**
   * Folds spellings that mean the same into the one that the schema knows, before validation. The recorded
   * call keeps what the model wrote.
   */
  foldArguments?(args: Record<string, unknown>): Record<string, unknown>;
  /** What the arguments are called in what the model is told of mistakes; default: `actionKind`. */
  readonly argumentsTitle?: string;
  /** The arguments in a stored action; default: all its fields but `kind`. */
  argumentsOf?(action: Action): Record<string, unknown>;
  /** What clients are shown instead or besides. */
  readonly shown?: Pick<
    ToolDescription,
    'annotations' | 'meta' | 'mcp_tool' | 'client_tool_name' | 'input_schema'
  >;
  /** How an observation reads for the model; default: its content as it is. Pure: works on stored events. */
  render?(observation: Observation): Content[];
}

/** The description that the system prompt event carries. */
export function describeTool(definition: ToolDefinition): ToolDescription {
  const { description, actionKind, observationKind, annotations, shown, kind, title } = definition;
  return {
    description,
    action_type: actionKind,
    observation_type: observationKind,
    annotations,
    ...shown,
    kind,
    title,
  };
}
