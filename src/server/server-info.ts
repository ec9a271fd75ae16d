/** The process is alive. */
export interface HealthStatus {
  status: 'ok';
}

/** The server takes work. */
export interface ReadyStatus {
  status: 'ready' | 'initializing';
  /** Why not. */
  message?: string;
}

/** What the server is and can do. */
export interface ServerInfo {
  /** Seconds since the start. */
  uptime: number;
  /** Seconds since something happened in a conversation. */
  idle_time: number;
  title: string;
  /** Version of the API, by which clients switch features on. */
  version: string;
  sdk_version: string;
  tools_version: string;
  workspace_version: string;
  /** Name and version of this implementation. */
  implementation: string;
  build_git_sha: string;
  build_git_ref: string;
  /** There is no Python in this server; names its runtime instead. */
  python_version: string;
  /** Names of the tools that an agent can be given. */
  usable_tools: string[];
  runtime_idle_timeout_seconds: number | null;
  conversation_runtime: 'local' | 'docker';
  available_conversation_runtimes: ('local' | 'docker')[];
  /** Features that clients may rely on. */
  capabilities: string[];
  app_backend_ingress_url: string | null;
  max_foreground_terminal_timeout_seconds: number | null;
  docs: string;
  redoc: string;
}
