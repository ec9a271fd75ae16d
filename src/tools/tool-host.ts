import { ConfinedFiles } from '../files/index.js';
import type { Confinement } from '../sandbox/index.js';
import type { TerminalSession } from './terminal/session/terminal-session.js';

/** Secrets that a command refers to. */
export interface NamedSecrets {
  /** Values by name, to be set as environment variables. */
  variables: Record<string, string>;
  /** Messages for the model, one for each secret that could not be resolved. */
  problems: string[];
}

/** Masks secrets in a stream of text. Both methods return the text that can be shown by then. */
export interface SecretStream {
  write(chunk: string): string;
  /** Flushes the rest. */
  end(): string;
}

/** A conversation's secrets, as its tools use them. */
export interface ToolSecrets {
  /** @throws the signal's reason once it is aborted */
  namedIn(command: string, signal: AbortSignal): Promise<NamedSecrets>;
  /**
   * The text with secret values masked. Mask before truncating or saving: a partial value is not recognised.
   */
  mask(text: string): string;
  /** Masks a text that arrives in pieces. */
  stream(): SecretStream;
}

/** A skill of a conversation, for the tool that reads its text. */
export interface ToolSkill {
  name: string;
  content: string;
  /** Absolute path of the file that it was read from. */
  source: string | null;
  /** Whether the model may ask for it. */
  invocable: boolean;
}

/** The conversation refuses what a tool asked for. The message is for the model. */
export class HostRefusal extends Error {
  override readonly name = 'HostRefusal';
}

/** A type of sub-agent that the model can choose. */
export interface SubAgentType {
  name: string;
  description: string;
  /** Names of its tools. */
  tools: readonly string[];
}

/** The result of a sub-agent's task. */
export interface TaskResult {
  taskId: string;
  /** The sub-agent's type. */
  subagent: string;
  /** The sub-agent's answer, or why there is none. */
  text: string;
  failed: boolean;
}

/** Runs tasks in sub-agents. */
export interface SubAgents {
  readonly types: readonly SubAgentType[];
  /**
   * Resolves when the task has ended.
   * @param task `resume` is the id of an earlier task to continue
   * @throws HostRefusal; the signal's reason once it is aborted
   */
  run(task: { prompt: string; type: string; resume?: string }, signal: AbortSignal): Promise<TaskResult>;
}

/** A child conversation to start. */
export interface ChildRequest {
  task: string;
  title: string | null;
  /** Works in its own git worktree, or in its parent's folder. */
  isolation: 'worktree' | 'shared';
}

/** A child conversation that was started, with the field names of the wire. */
export interface StartedChild {
  conversation_id: string;
  parent_conversation_id: string;
  status: string;
  title: string | null;
  url: null;
  workspace: string;
  isolation: 'worktree' | 'shared';
}

/** The models of the stored profiles. */
export interface ToolModels {
  /** Profile names at the time the tools were created. */
  readonly names: readonly string[];
  /** Profiles whose models accept images, if the agent's own model does not. */
  readonly visionNames: readonly string[];
  /**
   * Switches the agent to a profile's model, from its next answer on.
   * @returns the model's name
   * @throws HostRefusal
   */
  switchTo(profile: string): Promise<string>;
  /**
   * Has a model classify the conversation's task and switches to the profile for that class.
   * @param params the tool's parameters: `active_meta_profile` names a meta profile, `meta_profile` with
   *   `meta_profile_llms` defines one; default: the settings' meta profile
   * @throws HostRefusal; the signal's reason once it is aborted
   */
  route(params: Record<string, unknown>, signal: AbortSignal): Promise<RoutedModel>;
  /**
   * Asks a profile's model a question, without the conversation's context.
   * @throws HostRefusal; the signal's reason once it is aborted
   */
  ask(question: ModelQuestion, signal: AbortSignal): Promise<ModelAnswer>;
}

/** The model that a task was routed to. */
export interface RoutedModel {
  /** The class of the task. */
  chosenClass: string;
  profile: string;
  /** The model's name. */
  model: string;
}

/** A question to a model that does not see the conversation. */
export interface ModelQuestion {
  profile: string;
  /** The usage id that the cost is counted under; default: derived from the profile and its model. */
  usageId?: string;
  /** System prompt. */
  instructions?: string;
  question: string;
  /** URLs, `http(s)` or `data`. */
  images?: readonly string[];
}

/** A model's answer, and which model gave it. */
export interface ModelAnswer {
  text: string;
  model: string;
  baseUrl: string | null;
}

/** What a tool can use of its conversation. */
export interface ToolHost {
  readonly conversationId: string;
  /** Absolute path of the workspace. */
  readonly workingDir: string;
  /** Absolute path of a folder for the tool's own files in this conversation. Create it before use. */
  readonly folder: string;
  /** `folder` as clients see it (`persistence_dir` as configured, possibly relative). */
  readonly shownFolder: string;
  readonly secrets?: ToolSecrets;
  /** How programs and files of the conversation are confined; absent: not at all. */
  readonly confinement?: Confinement;
  /** Whether the server lets agents use a browser; default: yes. */
  readonly browserEnabled?: boolean;
  /** Absent for sub-agents. */
  readonly subAgents?: SubAgents;
  /** Absent for sub-agents. */
  readonly models?: ToolModels;
  /** URLs (`http(s)` or `data`) of the images in the user's latest message. */
  readonly latestImages?: () => readonly string[];
  /**
   * Starts a conversation that works on a task independently. Absent for sub-agents.
   * @throws HostRefusal
   */
  readonly startChild?: (request: ChildRequest) => Promise<StartedChild>;
  /** Told of the terminal of the agent when it is used, for people who watch it. Absent for sub-agents. */
  readonly announceTerminal?: (terminal: TerminalSession) => void;
  /** The conversation's current skills. */
  skills?(): ToolSkill[];
}

/** The files that tools of a conversation may use, which are those of its programs. */
export function filesOf({ confinement }: Pick<ToolHost, 'confinement'>): ConfinedFiles {
  return new ConfinedFiles(confinement?.files);
}
