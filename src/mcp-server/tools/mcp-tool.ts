import type { Request as HttpRequest } from 'express';
import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { KeyScope, Principal } from '../../auth/index.js';
import type { DtoClass, JsonSchema } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import type { RpcConversations, RpcUse } from '../../rpc/index.js';

/** What a call of a tool has besides its arguments. */
export interface ToolContext {
  conversations: RpcConversations;
  principal: Principal;
  request: HttpRequest;
  /** The client has left or cancelled the call. */
  signal: AbortSignal;
  /** Tells the client how far the call is; undefined if it does not want to know. */
  progress: ((progress: number, message: string) => void) | undefined;
  /** The idempotency key of the header. */
  key: string | undefined;
  /** Names the conversation that the call has created, for the audit log. */
  nameConversation: (id: string) => void;
}

/** A tool of the server. */
export interface McpTool<T extends object = object> {
  name: string;
  title: string;
  /** For models: what it does, when to use it, what comes back. */
  description: string;
  annotations: ToolAnnotations;
  /** What a key needs for it. */
  scope: KeyScope;
  /** How it uses the conversation that the argument `conversation_id` names; absent without one. */
  uses?: RpcUse;
  arguments: DtoClass<T>;
  /** The schema of the result. */
  result: JsonSchema;
  call(args: T, context: ToolContext): Promise<JsonObject>;
}

/** A tool whose arguments are of this class. */
export function mcpTool<T extends object>(tool: McpTool<T>): McpTool {
  return {
    ...tool,
    call: (args, context) => {
      if (!(args instanceof tool.arguments)) throw new TypeError(`not the arguments of ${tool.name}`);
      return tool.call(args, context);
    },
  };
}
