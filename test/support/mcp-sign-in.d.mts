/** An MCP server that requires OAuth, with its recorded requests. */
export interface SignInServer {
  /** The address of the MCP server. */
  url: string;
  state: {
    /** Valid access tokens; refresh tokens and their clients. */
    access: Set<string>;
    refresh: Map<string, string>;
    clients: Map<string, Record<string, unknown>>;
    requests: { pathname: string; query: Record<string, string>; form: Record<string, string> }[];
  };
  close(): Promise<void>;
}

export function startSignIn(options: {
  to: string;
  secret?: boolean;
  metadata?: Record<string, unknown>;
}): Promise<SignInServer>;
