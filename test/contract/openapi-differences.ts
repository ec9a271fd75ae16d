/** Operations of the original that this server does not have yet. One that it has must not stand here. */
export const PENDING: readonly string[] = [];

/** A difference that is meant, and why. */
export interface Deliberate {
  /** The place as the comparison names it, or a pattern for many. */
  place: string | RegExp;
  why: string;
}

const AS_THEY_COME = 'kept as they come; whoever uses them checks them';
const NULL_IS_NOTHING = 'null counts as left out';
const NOT_HERE = 'a kind that this server does not have';
const LIST = 'GET /api/conversations/{conversation_id}/events';

/**
 * Where the document of this server differs from that of the original on purpose. An entry without a
 * difference fails.
 */
export const DELIBERATE: readonly Deliberate[] = [
  // More than the original says.
  { place: 'response ServerInfo.implementation', why: 'tells this server from the original' },
  {
    place: 'response HTTPValidationError.detail',
    why: 'the original answers texts, too, but does not say so',
  },
  { place: /^GET .*\/events query \w+$/, why: 'without ids it lists, as the first version of the API did' },
  { place: `${LIST} body required`, why: 'ids may stand in the query: many clients send no body with GET' },
  { place: `${LIST} 200`, why: 'without ids it answers a page' },
  { place: /^(request|response) (ACP)?Agent\.security_policy_filename$/, why: NULL_IS_NOTHING },
  {
    place: /^(request|response) HookDefinition\.command( required)?$/,
    why: 'hooks of other types have none; the original says so in its errors only',
  },

  {
    place: /^POST \/api\/conversations(\/\{conversation_id\}\/events)? header Idempotency-Key$/,
    why: 'what is sent twice is done once',
  },
  {
    place: /^(response ConversationInfo|request (Start|Update)Conversation(Request)?)\.max_budget_per_run$/,
    why: 'people want to say what a conversation may cost',
  },
  {
    place: /^GET \/api\/(settings|profiles\/\{name\}) header X-Expose-Secrets$/,
    why: 'the original takes it, too, but does not say so',
  },
  {
    place: /^(request|response) WorkspaceItem\.parent_path$/,
    why: 'the original takes it, too, but does not say so',
  },
  {
    place: /^response (Redacted)?ThinkingBlock\.(signed_by|text_before)$/,
    why: 'reasoning goes back to who signed it, and to where it was',
  },
  { place: 'response ServerInfo.runs', why: 'shows how many runs go on and how many may' },
  { place: 'response ServerInfo.event_loop_delay', why: 'shows whether the server keeps up' },

  {
    place: 'request OpenAIStreamOptions.include_commentary',
    why: 'a stream can be the final response only',
  },
  {
    place: 'POST /v1/responses header X-OpenHands-ServerConversation-ID',
    why: 'conversations are continued there, too',
  },
  {
    place: /^request OpenAI(ChatCompletionRequest\.messages|ResponseRequest\.input) limits$/,
    why: 'the conversation has its history itself',
  },
  { place: 'request ExecuteBashRequest.stream', why: 'output can come while a command runs' },

  // One schema describes a thing that is sent and a thing that is answered; the original has two.
  { place: /^response \w+\.kind required$/, why: 'always answered, may be left out in requests' },
  { place: 'response LLM.is_subscription', why: 'always answered, cannot be sent' },
  { place: 'response LLM.fallback_strategy', why: 'can be sent, never answered' },
  { place: 'response AgentContext.memory_context', why: 'can be sent, never answered' },

  // Less than the original says.
  {
    place: /^response (ChatCompletion(Message)?|Choice|CompletionUsage|OpenAIResponse)\.\w+$/,
    why: 'what is never answered, by the original neither',
  },
  {
    place: 'request LocalWorkspace.working_dir',
    why: 'no file system takes longer paths; the original answers 500',
  },
  { place: 'request StartConversationRequest.observability_tags[]', why: 'empty tags say nothing' },
  { place: 'request StartConversationRequest.observability_metadata{}', why: AS_THEY_COME },
  { place: 'response ConversationInfo.workspace', why: NOT_HERE },
  { place: /^response ConversationRuntimeInfo\./, why: 'there is no runtime but the machine of the server' },
  { place: /^GET .*\/events(\/\{event_id\})? 200(\[\])?$/, why: NOT_HERE },
  {
    place: /^response (ActionEvent\.action|ObservationEvent\.observation)$/,
    why: 'other tools than there; those of clients are described as what they are, any object',
  },
  { place: 'response VisionInspectAction.question', why: 'an empty question is asked, too' },
  { place: 'response FileEntry.modified_time', why: 'no date-time has no zone; the original says it has' },
  { place: 'response SystemPromptEvent.tools[]', why: 'one shape for all tools, told apart by `kind`' },
  { place: /^(request|response) APIBasedCritic\.\w+$/, why: AS_THEY_COME },
  { place: /^(request|response) MCPServer(Patch)?\.auth$/, why: AS_THEY_COME },
  { place: 'request _RemoteMCPServerSpec.auth', why: AS_THEY_COME },
  { place: 'response MCPTestSuccess.resolved_mcp_servers', why: 'deprecated there, never answered' },
  { place: 'request SettingsUpdateRequest.agent_settings_diff', why: AS_THEY_COME },
  { place: 'request MaterializeAgentProfileRequest.profile', why: AS_THEY_COME },
  { place: 'POST /api/agent-profiles/{name}/materialize body', why: 'it is left out instead of null' },
  { place: /^(request|response) Skill\.(trigger|mcp_tools\{\}|inputs\[\]|resources)$/, why: AS_THEY_COME },
  { place: 'request AgentLaunchAdditions.skills[]', why: AS_THEY_COME },
  {
    place: /^request (SkillsRequest.registered_marketplaces\[\]|FetchPluginRequest.secrets\{\})$/,
    why: AS_THEY_COME,
  },
  {
    place:
      /^request (SkillsRequest.(registered_marketplaces|org_configs)|SandboxConfig.exposed_urls) limits$/,
    why: 'nobody has so many',
  },
  {
    place: /^request (Fetch|Install)\w+Request\.(source|ref|repo_path)$/,
    why: 'no file system takes longer paths, and git no longer refs',
  },
  { place: 'response FetchPluginResponse.manifest{}', why: AS_THEY_COME },
  { place: /^GET .*\/icon 200$/, why: 'the original names the type of the file besides' },
  {
    place: /^response CanvasExtensionBackend(Artifact|Health)?\.(schema_version|path)( required)?$/,
    why: 'the same in other words; the original accepts an archive without a path, too',
  },
  {
    place: /^(request|response) AgentContext\.(registered_marketplaces\[\]|secrets\{\})$/,
    why: AS_THEY_COME,
  },
  {
    place: 'response AgentContext.current_datetime',
    why: 'a moment as a text, in whatever form it was sent',
  },
];
