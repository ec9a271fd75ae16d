import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AppConfig } from './app-config.js';
import {
  BudgetsConfig,
  KeyLimitsConfig,
  MarketplaceConfig,
  TelemetryConfig,
  WebhookConfig,
} from './config-sections.js';
import { fieldsOf } from './config-field.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('docs/configuration.md', () => {
  it('is up to date with `npm run docs`', async () => {
    const checking = promisify(execFile)(
      process.execPath,
      ['scripts/configuration-reference.mjs', '--check'],
      {
        cwd: ROOT,
      },
    );
    await expect(checking).resolves.toMatchObject({ stderr: '' });
  });

  it.each([
    [AppConfig, 'OH_'],
    [WebhookConfig, 'OH_WEBHOOKS_0_'],
    [MarketplaceConfig, 'OH_REGISTERED_MARKETPLACES_0_'],
    [KeyLimitsConfig, 'OH_KEY_LIMITS_'],
    [BudgetsConfig, 'OH_BUDGETS_'],
    [TelemetryConfig, 'OH_TELEMETRY_'],
  ])('has a row for each field of %p', async (type, prefix) => {
    const page = await readFile(`${ROOT}/docs/configuration.md`, 'utf8');
    expect(fieldsOf(type).length).toBeGreaterThan(2);
    for (const { name, about } of fieldsOf(type)) {
      const variable = `\`${prefix}${name.toUpperCase()}\``;
      const rows = page.split('\n').filter((line) => line.includes(variable) && line.includes(about));
      expect([name, rows.length]).toEqual([name, 1]);
    }
  });
});
