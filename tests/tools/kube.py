"""Kubernetes documents as JSON, for the tests.

kube.py load FILE...           the documents of YAML files
kube.py render CHART [VALUES]  a chart, rendered by Helm's own engine as release
                               'armistice' in namespace 'armistice'; VALUES is JSON
kube.py try CHART VALUES...    the same for each VALUES: its documents, or why it is refused
kube.py lint CHART             what Helm finds to say about a chart; 1 on errors
kube.py yaml                   the JSON on stdin as YAML documents
"""

import json
import sys

import yaml


def render(chart, values):
    from helm_python import Chart

    with Chart.load(chart) as loaded:
        rendered = loaded.render(values=values, name="armistice", namespace="armistice")
    texts = rendered.values() if isinstance(rendered, dict) else [rendered]
    return [doc for text in texts for doc in yaml.safe_load_all(text) if doc]


def main():
    verb, *args = sys.argv[1:]
    if verb == "load":
        docs = [doc for name in args for doc in yaml.safe_load_all(open(name)) if doc]
        print(json.dumps(docs))
    elif verb == "render":
        print(json.dumps(render(args[0], json.loads(args[1]) if len(args) > 1 else {})))
    elif verb == "try":
        answers = []
        for values in args[1:]:
            try:
                answers.append({"documents": render(args[0], json.loads(values))})
            except Exception as error:
                answers.append({"refused": str(error)})
        print(json.dumps(answers))
    elif verb == "lint":
        from helm_python import lint

        found = lint(args[0])
        print(json.dumps(found, default=str))
    elif verb == "yaml":
        print(yaml.safe_dump_all(json.load(sys.stdin)))
    else:
        sys.exit(__doc__)


main()
