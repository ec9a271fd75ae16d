import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Whether the server will find a browser on this machine. */
export function hasChromium(): boolean {
  if (process.env['CHROME_PATH']) return true;
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.some((folder) => PROGRAMS.some((program) => isProgram(path.join(folder, program))));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
