/** When the agent asks a person. */
export type Approval = 'never' | 'risky' | 'always';
/** Who assesses the risk of an action. */
export type Analyzer = 'rules' | 'model' | 'both';

/** An image that goes with the first message. */
export interface Image {
  name: string;
  /** A `data:` URL. */
  url: string;
}

/** Sources of skills, by their fields of `agent_context`. */
export interface SkillSources {
  load_project_skills: boolean;
  load_user_skills: boolean;
  load_public_skills: boolean;
  load_memory: boolean;
}

/** What the form contains. */
export interface Draft {
  message: string;
  images: readonly Image[];
  folder: string;
  worktree: boolean;
  /** Id of an agent profile; null: the built-in agent with the model below. */
  agentProfile: string | null;
  /** Name of an LLM profile; null: `model` is the name of a model. */
  profile: string | null;
  model: string;
  apiKey: string;
  baseUrl: string;
  /** Names of tools; null: the default ones of the server. */
  tools: readonly string[] | null;
  approval: Approval;
  analyzer: Analyzer;
  maxIterations: string;
  budget: string;
  skills: SkillSources;
  /** A source in each line. */
  plugins: string;
  title: string;
  /** `team=docs, urgent=yes` */
  tags: string;
}

/** Relative to the folder of the server, which makes it on first use. */
const FIRST_FOLDER = 'workspace/project';

/** The form as it is on a server that this browser has not used. */
export const EMPTY: Draft = {
  message: '',
  images: [],
  folder: FIRST_FOLDER,
  worktree: false,
  agentProfile: null,
  profile: null,
  model: '',
  apiKey: '',
  baseUrl: '',
  tools: null,
  approval: 'never',
  analyzer: 'rules',
  maxIterations: '',
  budget: '',
  skills: {
    load_project_skills: true,
    load_user_skills: true,
    load_public_skills: false,
    load_memory: false,
  },
  plugins: '',
  title: '',
  tags: '',
};
