import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Native TensorFlow cannot be loaded twice in a process, and threads share one: a process a file.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { extends: true, test: { name: 'methods', include: ['test/methods/**/*.test.ts'], testTimeout: 600_000 } },
      { extends: true, test: { name: 'goldens', include: ['test/goldens/**/*.test.ts'] } },
      // Two at a time: they wait for a browser or a child more than they compute.
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000 } },
    ],
  },
});
