/** JupyterLab's packages and what they need are ES modules: swc makes all into what jest runs. */
export default {
  testEnvironment: '<rootDir>/tests/environment.cjs',
  testMatch: ['<rootDir>/tests/**/*.test.{ts,tsx}'],
  transform: {
    '^.+\\.(t|j)sx?$': ['@swc/jest', { jsc: { transform: { react: { runtime: 'classic' } } } }]
  },
  transformIgnorePatterns: [],
  moduleNameMapper: {
    '^@jupyterlab/ui-components$': '<rootDir>/tests/components.ts',
    '\\.(css|svg)$': '<rootDir>/tests/empty.ts'
  }
};
