/**
 * Operations of the original that this server does not have yet. An operation that it has must not be listed.
 */
export const PENDING: readonly string[] = [];

/** A deliberate difference and its reason. */
export interface Deliberate {
  /** The place as the comparison names it, or a pattern for many. */
  place: string | RegExp;
  why: string;
}

const UNCHECKED = 'stored unchanged; checked where they are used';
const NULL_IS_MISSING = 'null means the same as a missing field';
const KIND_NOT_SUPPORTED = 'a kind that this server does not have';
const LIST = 'GET /api/conversations/{conversation_id}/events';

/**
 * Deliberate differences of this server's document from that of the original. An unused entry fails the test.
 */
export const DELIBERATE: readonly Deliberate[] = [
  // More than in the original.
  { place: 'response ServerInfo.implementation', why: 'tells this server from the original' },
  {
    place: 'response HTTPValidationError.detail',
    why: 'the original answers texts as well, without documenting it',
  },
  {
    place:
      /^(request OpenAI(ChatCompletionRequest\.response_format|ResponseRequest\.text)|response AgentResponseResult\.structured_output)$/,
    why: 'answers that match a JSON schema',
  },
  { place: /^GET .*\/events query \w+$/, why: 'without ids it lists, as the first version of the API did' },
  { place: `${LIST} body required`, why: 'ids may be in the query: many clients send no body with GET' },
  { place: `${LIST} 200`, why: 'without ids it answers a page' },
  { place: /^(request|response) (ACP)?Agent\.security_policy_filename$/, why: NULL_IS_MISSING },
  {
    place: /^(request|response) HookDefinition\.command( required)?$/,
    why: 'hooks of other types have none; the original states this only in its errors',
  },

  {
    place: /^POST \/api\/conversations(\/\{conversation_id\}\/events)? header Idempotency-Key$/,
    why: 'a repeated request takes effect once',
  },
  {
    place:
      /^POST \/(v1\/(chat\/completions|responses)|api\/conversations(\/\{conversation_id\}\/(run|events|events\/respond_to_confirmation|goal|goal\/resume|children))?) query (on_limit|priority)$/,
    why: 'a run may wait for a free slot',
  },
  { place: 'response ServerInfo.runtime_services', why: 'tells the web UI that automations are served' },
  { place: 'response Success.queued_run', why: 'a run may wait for a free slot' },
  {
    place: /^(response ConversationInfo|request (Start|Update)Conversation(Request)?)\.max_budget_per_run$/,
    why: 'lets people limit the cost of a conversation',
  },
  {
    place: /^request (ForkConversation|NavigateConversation)Request\.(restore_files|force)$/,
    why: 'files go along with the branch, if wanted',
  },
  {
    place: 'request StartConversationRequest.llm_profile_ref',
    why: 'uses a stored model whose key the client does not know',
  },
  {
    place: /^GET \/api\/(settings|profiles\/\{name\}) header X-Expose-Secrets$/,
    why: 'the original accepts it as well, without documenting it',
  },
  {
    place: /^(request|response) WorkspaceItem\.parent_path$/,
    why: 'the original accepts it as well, without documenting it',
  },
  {
    place: /^response (Redacted)?ThinkingBlock\.(signed_by|text_before)$/,
    why: 'reasoning is sent back to the provider that signed it, at its former position',
  },
  { place: 'response ServerInfo.runs', why: 'shows how many runs are active and how many may be' },
  { place: 'response ServerInfo.containers', why: 'shows whether the engine of containers answers' },
  { place: 'response ServerInfo.sandbox', why: 'shows what confines programs' },
  {
    place: 'request StartConversationRequest.sandbox',
    why: 'a conversation can ask for a stricter sandbox',
  },
  { place: 'response ServerInfo.cluster', why: 'shows the servers that share a database' },
  { place: 'response ServerInfo.event_loop_delay', why: 'shows whether the event loop is overloaded' },

  {
    place: 'request OpenAIStreamOptions.include_commentary',
    why: 'a stream can be limited to the final response',
  },
  {
    place: 'POST /v1/responses header X-OpenHands-ServerConversation-ID',
    why: 'conversations can be continued on this route',
  },
  {
    place: /^request OpenAI(ChatCompletionRequest\.messages|ResponseRequest\.input) limits$/,
    why: 'the conversation already has its history',
  },
  { place: 'request ExecuteBashRequest.stream', why: 'output can be streamed while a command runs' },

  // One schema for requests and answers where the original has two.
  { place: /^response \w+\.kind required$/, why: 'always in answers, optional in requests' },
  { place: 'response LLM.is_subscription', why: 'always in answers, never in requests' },
  { place: 'response LLM.fallback_strategy', why: 'may be in requests, never in answers' },
  { place: 'response AgentContext.memory_context', why: 'may be in requests, never in answers' },

  // Less than in the original.
  {
    place: /^response (ChatCompletion(Message)?|Choice|CompletionUsage|OpenAIResponse)\.\w+$/,
    why: 'never answered, not even by the original',
  },
  {
    place: 'request LocalWorkspace.working_dir',
    why: 'no file system accepts longer paths; the original answers 500',
  },
  { place: 'request StartConversationRequest.observability_metadata{}', why: UNCHECKED },
  { place: 'response ConversationInfo.workspace', why: KIND_NOT_SUPPORTED },
  { place: /^response ConversationRuntimeInfo\./, why: 'the only runtime is the machine of the server' },
  { place: /^GET .*\/events(\/\{event_id\})? 200(\[\])?$/, why: KIND_NOT_SUPPORTED },
  {
    place: /^response (ActionEvent\.action|ObservationEvent\.observation)$/,
    why: 'the tools differ; client tools are documented as any object',
  },
  { place: 'response VisionInspectAction.question', why: 'an empty question is accepted' },
  {
    place: 'response FileEntry.modified_time',
    why: 'the original documents a date-time, which would need a time zone',
  },
  { place: 'response SystemPromptEvent.tools[]', why: 'one shape for all tools, distinguished by `kind`' },
  { place: /^(request|response) APIBasedCritic\.\w+$/, why: UNCHECKED },
  { place: /^(request|response) MCPServer(Patch)?\.auth$/, why: UNCHECKED },
  { place: 'request _RemoteMCPServerSpec.auth', why: UNCHECKED },
  {
    place: 'response MCPTestSuccess.resolved_mcp_servers',
    why: 'deprecated in the original, never answered',
  },
  { place: 'request SettingsUpdateRequest.agent_settings_diff', why: UNCHECKED },
  { place: 'request MaterializeAgentProfileRequest.profile', why: UNCHECKED },
  { place: 'POST /api/agent-profiles/{name}/materialize body', why: 'left out instead of null' },
  { place: /^(request|response) Skill\.(trigger|mcp_tools\{\}|inputs\[\]|resources)$/, why: UNCHECKED },
  { place: 'request AgentLaunchAdditions.skills[]', why: UNCHECKED },
  {
    place: /^request (SkillsRequest.registered_marketplaces\[\]|FetchPluginRequest.secrets\{\})$/,
    why: UNCHECKED,
  },
  {
    place:
      /^request (SkillsRequest.(registered_marketplaces|org_configs)|SandboxConfig.exposed_urls) limits$/,
    why: 'limits the size of requests',
  },
  {
    place: /^request (Fetch|Install)\w+Request\.(source|ref|repo_path)$/,
    why: 'no file system accepts longer paths, and git no longer refs',
  },
  { place: 'response FetchPluginResponse.manifest{}', why: UNCHECKED },
  { place: /^GET .*\/icon 200$/, why: 'the original also names the type of the file' },
  {
    place: /^response CanvasExtensionBackend(Artifact|Health)?\.(schema_version|path)( required)?$/,
    why: 'equivalent; the original also accepts an archive without a path',
  },
  {
    place: /^(request|response) AgentContext\.(registered_marketplaces\[\]|secrets\{\})$/,
    why: UNCHECKED,
  },
  {
    place: 'response AgentContext.current_datetime',
    why: 'a time as a string, in the form in which it was sent',
  },
];
