export {
  EXPORT_HELP,
  type ExportCommandOptions,
  IMPORT_HELP,
  type ImportCommandOptions,
  parseExportCommandLine,
  parseImportCommandLine,
  type TransferCommand,
} from './transfer-command-line.js';
