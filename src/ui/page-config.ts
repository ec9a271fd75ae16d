import type { AppConfig } from '../config/index.js';

type UiConfig = Pick<AppConfig, 'session_api_keys' | 'require_keys' | 'ui_give_key' | 'telemetry'>;

/** The key that a page gets if none is required: without any key the agent canvas does not connect. */
const NO_KEY_NEEDED = 'no-key-needed';

/**
 * Adds the server's settings to a page, as the globals that the agent canvas (1.20) reads: the session key or
 * that it must ask for one, and that it must not send telemetry unless this server does.
 * @param isTrusted whether the client may receive the key
 */
export function withServerConfig(html: string, config: UiConfig, isTrusted: boolean): string {
  const script = `<script>${Object.entries(globals(config, isTrusted))
    .map(([name, value]) => `window.${name}=${literal(value)};`)
    .join('')}</script>`;
  // Before all other scripts of the page. A replacer function, because `$` in a key would be a pattern.
  return /<head[^<>]*>/i.test(html) ? html.replace(/<head[^<>]*>/i, (head) => head + script) : script + html;
}

function globals(config: UiConfig, isTrusted: boolean): Record<string, string | boolean> {
  const [key] = config.session_api_keys;
  const standard = config.require_keys ? undefined : NO_KEY_NEEDED;
  const given = key === undefined ? standard : config.ui_give_key && isTrusted ? key : undefined;
  return {
    ...(given === undefined
      ? { __AGENT_CANVAS_AUTH_REQUIRED__: true }
      : { __AGENT_CANVAS_SESSION_API_KEY__: given }),
    ...(config.telemetry.exporter === 'none' ? { __AGENT_CANVAS_DO_NOT_TRACK__: true } : {}),
  };
}

/** A value as JavaScript that cannot end the surrounding script element. */
function literal(value: string | boolean): string {
  return JSON.stringify(value).replace(
    /[<>\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
