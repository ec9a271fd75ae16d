import type { Automation } from '../definitions/automation.js';

/** Access rights of the files in the archive. */
const MODE = 0o644;

/** An automation as the file that the web UI imports, and its prompt, in an archive for people. */
export async function exportArchive(automation: Automation): Promise<Buffer> {
  const { name, prompt, model, agent_profile_id, trigger, timeout, preset, repos, plugins, variants } =
    automation;
  const spec = {
    ...{ name, prompt, trigger, model, agent_profile_id, timeout },
    preset_type: preset,
    ...(repos.length > 0 && { repos }),
    ...(plugins.length > 0 && { plugins }),
    ...(variants.length > 0 && { variants }),
  };
  const file = `${JSON.stringify({ version: 1, kind: 'automation', spec }, null, 2)}\n`;
  const { pack } = await import('tar-stream');
  const archive = pack();
  const mtime = new Date(automation.updated_at);
  archive.entry({ name: 'automation.json', mode: MODE, mtime }, file);
  archive.entry({ name: 'prompt.txt', mode: MODE, mtime }, `${prompt}\n`);
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts);
}
