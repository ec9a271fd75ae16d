import type { AppConfig } from '../config/index.js';

type UiConfig = Pick<AppConfig, 'session_api_keys' | 'ui_give_key' | 'telemetry'>;

/**
 * What a page shows as its key where none is required: without any key the agent canvas knows no back end.
 */
const NO_KEY_NEEDED = 'no-key-needed';

/**
 * The page with what the UI has to know of its server, as the globals that the agent canvas (1.20) reads: the
 * session key, or that it has to ask for one, and that it is not to report its use unless this server does.
 * @param isTrusted whoever asks may be given the key
 */
export function withServerConfig(html: string, config: UiConfig, isTrusted: boolean): string {
  const script = `<script>${Object.entries(globals(config, isTrusted))
    .map(([name, value]) => `window.${name}=${literal(value)};`)
    .join('')}</script>`;
  // Before every other script of the page; the function keeps `$` in a key from being a pattern.
  return /<head[^<>]*>/i.test(html) ? html.replace(/<head[^<>]*>/i, (head) => head + script) : script + html;
}

function globals(config: UiConfig, isTrusted: boolean): Record<string, string | boolean> {
  const [key] = config.session_api_keys;
  const isGiven = config.ui_give_key && isTrusted;
  return {
    ...(key === undefined ? { __AGENT_CANVAS_SESSION_API_KEY__: NO_KEY_NEEDED } : {}),
    ...(key !== undefined && isGiven ? { __AGENT_CANVAS_SESSION_API_KEY__: key } : {}),
    ...(key !== undefined && !isGiven ? { __AGENT_CANVAS_AUTH_REQUIRED__: true } : {}),
    ...(config.telemetry.exporter === 'none' ? { __AGENT_CANVAS_DO_NOT_TRACK__: true } : {}),
  };
}

/** A value as JavaScript that cannot end the script it stands in. */
function literal(value: string | boolean): string {
  return JSON.stringify(value).replace(
    /[<>\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
