"""The promises in browsers, inside Pyodide, under the production headers."""
