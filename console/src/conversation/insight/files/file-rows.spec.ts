import { fileRows } from './file-rows.js';

const file = (path: string, more: object = {}) => ({
  path,
  reads: 1,
  writes: 0,
  last_operation: 'read' as const,
  last_event_id: 'event',
  last_at: '2026-01-01T00:00:00Z',
  ...more,
});

describe('fileRows', () => {
  it('joins what tools used with what git says, whatever form the path has', () => {
    const rows = fileRows(
      [file('/work/src/a.ts'), file('src/a.ts', { writes: 2 }), file('/elsewhere/b.ts')],
      [
        { path: 'src/a.ts', status: 'UPDATED' },
        { path: 'gone.md', status: 'DELETED' },
      ],
      '/work/',
    );
    expect(
      rows.map(({ name, path, reads, writes, change, deleted }) => [
        name,
        path,
        reads,
        writes,
        change,
        deleted,
      ]),
    ).toEqual([
      ['src/a.ts', '/work/src/a.ts', 2, 2, 'UPDATED', false],
      ['gone.md', '/work/gone.md', 0, 0, 'DELETED', true],
      ['/elsewhere/b.ts', '/elsewhere/b.ts', 1, 0, null, false],
    ]);
  });

  it('asks for files below the folder of the conversation where that is a relative path', () => {
    const [row] = fileRows([file('./src/a.ts')], [], 'workspace/project');
    expect(row).toMatchObject({ name: 'src/a.ts', path: './src/a.ts' });
  });
});
