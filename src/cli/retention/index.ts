export {
  parseRetentionCommandLine,
  RETENTION_HELP,
  type RetentionCommand,
  type RetentionLook,
} from './retention-command-line.js';
