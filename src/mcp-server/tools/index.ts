import type { McpTool } from './mcp-tool.js';
import { getConversation, listConversations, readEvents } from './read-tools.js';
import { listProfiles, sendMessage, startConversation } from './start-tools.js';
import {
  interruptConversation,
  pauseConversation,
  respondToConfirmation,
  resumeConversation,
} from './steering-tools.js';
import { waitForConversation } from './wait-tool.js';

/** The tool of this name; undefined if there is none. */
export function toolNamed(name: unknown): McpTool | undefined {
  return MCP_TOOLS.find((tool) => tool.name === name);
}

/** All tools of the server, in the order in which clients list them. */
export const MCP_TOOLS: readonly McpTool[] = [
  startConversation,
  waitForConversation,
  sendMessage,
  getConversation,
  readEvents,
  listConversations,
  listProfiles,
  respondToConfirmation,
  pauseConversation,
  interruptConversation,
  resumeConversation,
];
