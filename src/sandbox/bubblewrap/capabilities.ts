/**
 * What root keeps in a guarded sandbox: enough for package managers, `chown` and servers on low ports.
 * Missing are those with which a program could remove what hides files (SYS_ADMIN), read around it
 * (DAC_READ_SEARCH, MKNOD, SYS_RAWIO) or look into the server (SYS_PTRACE) and its connections (NET_RAW).
 */
const KEPT_BY_ROOT = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

/** What root keeps to work with files of other users in its workspace, as when it unpacks archives. */
const KEPT_IN_WORKSPACES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
];

/** Arguments of bubblewrap for the capabilities of a program. Only root has any. */
export function capabilityArguments(mode: 'guarded' | 'workspace'): string[] {
  if (process.getuid?.() !== 0) return [];
  const kept = mode === 'guarded' ? KEPT_BY_ROOT : KEPT_IN_WORKSPACES;
  return ['--cap-drop', 'ALL', ...kept.flatMap((name) => ['--cap-add', name])];
}
