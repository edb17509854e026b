import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib', 'node_modules', '*.mjs', '**/*.cjs', 'package.json', 'tests/fixtures'] },
  jupyter.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [
      js.configs.recommended,
      ...tseslint.configs.strictTypeChecked,
      ...tseslint.configs.stylisticTypeChecked
    ],
    languageOptions: {
      parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname }
    },
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'interface', format: ['PascalCase'], custom: { regex: '^I[A-Z]', match: true } }
      ],
      // All of ours is needed when JupyterLab starts: the sidebar and the status bar are its parts.
      'jupyter/prefer-lazy-imports': 'off',
      // Figures are what a sentence of ours is made of.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A signal is given the method's `this` beside it.
      '@typescript-eslint/unbound-method': 'off',
      curly: 'error',
      eqeqeq: 'error'
    }
  }
);
