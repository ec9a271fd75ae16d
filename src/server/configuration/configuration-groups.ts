/** Titles of groups with the options in them, by the beginning of their names. The first match counts. */
const GROUPS: readonly (readonly [title: string, names: RegExp])[] = [
  [
    'Access',
    /^(session_api_keys|require_keys|secret_key|previous_secret_keys|allow_cors_|max_failed_keys|key_limits|key_workspaces_path|own_keys_|audit_|trust_forwarded|deferred_init)/,
  ],
  ['Network', /^(host|port|web_url|app_backend_public_url|max_body_bytes|max_socket)/],
  [
    'Folders and files',
    /^(conversations_path|workspace_path|conversation_worktree_root|bash_events_dir|file_root|max_upload)/,
  ],
  ['Database and servers', /^(database_|server_|cluster_|accept_unsigned_servers|workspaces_shared)/],
  ['Sandbox and containers', /^(sandbox|conversation_(container|engine|image|runtime))/],
  [
    'Runs and conversations',
    /^(max_concurrent_runs|max_queued_runs|on_run_limit|resume_on_start|lease_|conversation_|checkpoints)/,
  ],
  ['Automations', /^(max_automation|automation_)/],
  ['Tools and commands', /^(shell_environment|preload_tools|enable_browser|bash_|git_filters|terminals)/],
  ['Skills and marketplaces', /^(acp_skill_sourcing|github_url|registered_marketplaces)/],
  ['Pages and editors', /^(ui_|static_files_path|trust_workspace_pages|enable_vscode|vscode_)/],
  ['Other protocols', /^(gateway_|mcp_server$|a2a$)/],
  ['Webhooks', /^webhooks/],
  ['Budgets', /^budgets/],
  ['Usage reports', /^telemetry/],
];
const OTHER = 'Other';

/** The titles of all groups, in their order. */
export const GROUP_TITLES: readonly string[] = [...GROUPS.map(([title]) => title), OTHER];

/** The title of the group of an option. */
export function groupOf(name: string): string {
  return GROUPS.find(([, names]) => names.test(name))?.[0] ?? OTHER;
}
