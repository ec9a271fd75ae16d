import type { JsonObject } from '../json/index.js';

/** Category of a failed probe. */
export type FailureKind = 'timeout' | 'connection' | 'unknown';

/** The result of a tool call. */
interface ToolResult {
  is_error: boolean;
  text: string;
}

/**
 * Credentials of a completed sign-in for the server's settings. Secrets are encrypted if the server has a
 * key.
 */
export type OAuthState = JsonObject;

/** The result of a probe; field names are the API's, undefined fields are left out. */
export type McpTestResponse =
  | { ok: true; tools: string[]; tool_result?: ToolResult; oauth_state?: OAuthState }
  | { ok: false; error: string; error_kind: FailureKind };

/** The start of a sign-in. */
export interface OAuthStartResponse {
  ok: boolean;
  job_id: string;
  authorization_url?: string;
  error?: string;
  error_kind?: FailureKind;
}

/** The status of a sign-in. */
export interface OAuthStatusResponse extends OAuthStartResponse {
  status: 'pending' | 'authorizing' | 'succeeded' | 'failed';
  callback_ready: boolean;
  tools?: string[];
  tool_result?: ToolResult;
  oauth_state?: OAuthState;
}
