import type { Request as HttpRequest } from 'express';
import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { KeyScope, Principal } from '../../auth/index.js';
import { type DtoClass, type JsonSchema, model, readChecked } from '../../http/index.js';
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

interface ToolDocs {
  name: string;
  title: string;
  /** For models: what it does, when to use it, what comes back. */
  description: string;
  annotations: ToolAnnotations;
  /** What a key needs for it. */
  scope: KeyScope;
  /** How it uses the conversation that the argument `conversation_id` names; absent without one. */
  uses?: RpcUse;
  /** The schema of the result. */
  result: JsonSchema;
}

/** A tool of the server. */
export interface McpTool extends ToolDocs {
  arguments: DtoClass;
  /** @throws RequestValidationError for invalid arguments, and the errors of the tool */
  call(given: JsonObject, context: ToolContext): Promise<JsonObject>;
}

interface ToolDefinition<T extends object> extends ToolDocs {
  arguments: DtoClass<T>;
  call(args: T, context: ToolContext): Promise<JsonObject>;
}

/** A tool that gets valid arguments of this class. */
export function mcpTool<T extends object>(tool: ToolDefinition<T>): McpTool {
  return {
    ...tool,
    call: async (given, context) => {
      const args = readChecked(model(tool.arguments), given, ['arguments']);
      if (!(args instanceof tool.arguments)) throw new TypeError(`not the arguments of ${tool.name}`);
      return tool.call(args, context);
    },
  };
}
