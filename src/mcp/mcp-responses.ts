import type { JsonObject } from '../json/index.js';

/** Why a server could not be tried. */
export type FailureKind = 'timeout' | 'connection' | 'unknown';

/** What a tool answered. */
export interface ToolResult {
  is_error: boolean;
  text: string;
}

/**
 * Credentials after a sign-in, for the settings of the server; secrets are tokens where this server has a
 * key.
 */
export type OAuthState = JsonObject;

/** What a trial found; field names are the wire's, what is undefined is left out. */
export type McpTestResponse =
  | { ok: true; tools: string[]; tool_result?: ToolResult; oauth_state?: OAuthState }
  | { ok: false; error: string; error_kind: FailureKind };

/** How a sign-in began. */
export interface OAuthStartResponse {
  ok: boolean;
  job_id: string;
  authorization_url?: string;
  error?: string;
  error_kind?: FailureKind;
}

/** How far a sign-in is. */
export interface OAuthStatusResponse extends OAuthStartResponse {
  status: 'pending' | 'authorizing' | 'succeeded' | 'failed';
  callback_ready: boolean;
  tools?: string[];
  tool_result?: ToolResult;
  oauth_state?: OAuthState;
}
