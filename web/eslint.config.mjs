// SPDX-License-Identifier: MIT
// Stands here and not in _dev, because eslint looks at no file above its configuration. Undefined names are left to the
// type check, which knows the browser.
import js from "./_dev/node_modules/@eslint/js/src/index.js";

/** Ways to make markup or code out of text; the page sets text as text. */
const markup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc"].map((property) => ({
  selector: `MemberExpression[property.name="${property}"]`,
  message: `${property} reads directory data as markup; use h() of dom.js`,
}));

export default [
  { ignores: ["_dev/node_modules/**", "built/**"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-undef": "off",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "no-restricted-syntax": ["error", ...markup],
      "no-eval": "error", "no-implied-eval": "error", "no-new-func": "error", "no-script-url": "error",
      "no-console": "error", "no-var": "error", "prefer-const": "error", eqeqeq: "error", "object-shorthand": "error",
      "no-shadow": "error", "no-param-reassign": "off", "consistent-return": "off", "default-case-last": "error",
      "no-else-return": "error", "no-lonely-if": "error", "no-useless-return": "error", "no-promise-executor-return": "error",
      "max-lines": ["error", 300], "max-lines-per-function": ["error", 80],
    },
  },
];
