export { condenser } from './api/dto/agent/agent.dto.js';
export { hookConfig } from './api/dto/agent/hook-config.dto.js';
export type { AgentDefinitionDto } from './api/dto/agent/agent-definition.dto.js';
export { definitionProblem, readDefinition } from './sub-agents/definitions.js';
export { DEFAULT_REJECTION } from './api/dto/message.dto.js';
export { conversationIdFor, IDEMPOTENCY_HEADER, readIdempotencyKey } from './api/headers/idempotency-key.js';
export type { Conversation } from './conversation/conversation.js';
export { OBSERVABILITY_HEADERS, withObservabilityHeaders } from './api/headers/observability-headers.js';
export {
  ConversationClosedError,
  ConversationExistsError,
  ConversationNotFoundError,
  ForbiddenError,
  QueueFullError,
  RunLimitError,
  UnknownEventError,
} from './conversation-errors.js';
export { ConversationsService, type ReadableLog } from './conversations.service.js';
export { ConversationTransfer } from './transfer/conversation-transfer.js';
export type { ImportOptions, ImportResult } from './transfer/importing/conversation-importer.js';
export { zoneOf } from './transfer/reading/time-shift.js';
export {
  findConversations,
  type FoundConversations,
  NoConversationsError,
} from './transfer/sources/find-conversations.js';
export type { SourceFiles } from './transfer/sources/source-files.js';
export {
  ConversationExporter,
  type ExportedConversation,
} from './transfer/exporting/conversation-exporter.js';
export { StartConversationRequestDto } from './api/dto/start-conversation.dto.js';
export { type PortableRequest, PortableRequests } from './api/portable-requests.js';
export { parseWithYield } from './journal/parse-event.js';
export { defaultTools } from './api/dto/agent/tools-from-settings.js';
export { toStartRequest } from './api/dto/to-start-request.js';
export {
  LAUNCHED_PROFILE_VARIABLE,
  LaunchProfiles,
  type LaunchedProfile,
} from './profiles/launch-profiles.js';
export {
  type ChosenAgent,
  type ChosenProfiles,
  RequestsFromSettings,
} from './profiles/requests-from-settings.js';
export type { NewMessage, RequestedConversation } from './state/start-request.js';
export { HiddenTexts } from './queries/hidden-texts.js';
export { RunRequestQueryDto, toRunRequest } from './api/dto/queries.dto.js';
export { RunQueue } from './runs/queue/run-queue.js';
export type { OnRunLimit, QueuePlace, RunRequest } from './runs/queue/queued-run.js';
export { RunSlots } from './runs/run-slots.js';
export { KeyWorkspaces } from './owners/key-workspaces.js';
export { isOwnKeys } from './owners/own-key-rules.js';
export { ownerFilter, Ownership } from './owners/ownership.js';
export { ConversationRegistry } from './registry/conversation-registry.js';
export { Tenancy } from './owners/tenancy.js';
export { WorkspaceHost } from './conversation/workspace-host.js';
export type { EventQuery } from './queries/event-query.js';
export { ConversationSummaries } from './queries/conversation-summaries.js';
export type { PendingCall } from './queries/pending-calls.js';
export { parseCursor } from './queries/summary-page.js';
export { Narration, type Phase, type Piece } from './queries/narration.js';
export { isBookmarked } from './queries/bookmark.js';
export { structuredOutput } from './queries/structured-output.js';
export { SummaryFeed } from './queries/summary-feed.js';
export type { ConversationUse, MayEnd } from './registry/conversation-use.js';
export { UnusedConversations } from './registry/unused-conversations.js';
