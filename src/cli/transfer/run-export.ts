import type { AppConfig } from '../../config/index.js';
import type { CopyOutput } from '../copying/copy-progress.js';
import { withTransfer } from './transfer-context.js';
import type { ExportCommandOptions } from './transfer-command-line.js';

/** Exports. */
export async function runExport(
  _options: ExportCommandOptions,
  config: AppConfig,
  output: CopyOutput,
): Promise<number> {
  return withTransfer(config, output, () => Promise.resolve(0));
}
