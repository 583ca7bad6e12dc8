//! Promise: the manifests in `deploy/` are what Kubernetes accepts, the chart
//! gives the same, and the pod works with the rights that it asks for, and
//! goes without a trace.

use std::fs;
use std::path::PathBuf;

use e2e::{product, python, run};
use serde_json::{Value, json};

fn deploy(path: &str) -> PathBuf {
    product::workspace().join("deploy").join(path)
}

/// The documents of `tests/tools/kube.py VERB ARGS...`.
#[track_caller]
fn kube(args: &[&str]) -> Value {
    run(python::tool("python")
        .arg(python::tools().join("kube.py"))
        .args(args))
    .ok()
    .json()
}

fn manifest() -> Value {
    let path = deploy("kubernetes/daemonset.yaml");
    kube(&["load", &path.to_string_lossy()])[0].clone()
}

/// All that the chart gives.
fn documents(values: &Value) -> Vec<Value> {
    let chart = deploy("helm/armistice");
    let documents = kube(&["render", &chart.to_string_lossy(), &values.to_string()]);
    documents.as_array().expect("documents").clone()
}

/// The one document of a kind; `None` where there is none.
fn of_kind(documents: &[Value], kind: &str) -> Option<Value> {
    let mut found = documents.iter().filter(|d| d["kind"] == kind);
    let one = found.next().cloned();
    assert!(found.next().is_none(), "{documents:?}");
    one
}

fn rendered(values: &Value) -> Value {
    of_kind(&documents(values), "DaemonSet").expect("a DaemonSet")
}

/// Checks documents against the API's schema, unknown fields refused.
#[track_caller]
fn validate(document: &Value) {
    validate_all(std::slice::from_ref(document));
}

#[track_caller]
fn validate_all(documents: &[Value]) {
    let folder = e2e::temporary();
    let file = folder.path().join("documents.yaml");
    // Each JSON document is a YAML document too.
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    fs::write(&file, texts.join("\n---\n")).expect("written");
    run(python::tool("kubernetes-validate")
        .arg("--strict")
        .arg(&file))
    .ok();
}

fn containers(daemon_set: &Value) -> Vec<Value> {
    let spec = &daemon_set["spec"]["template"]["spec"];
    ["initContainers", "containers"]
        .iter()
        .flat_map(|kind| spec[*kind].as_array().cloned().unwrap_or_default())
        .collect()
}

#[test]
fn the_manifests_are_valid() {
    let files = ["namespace.yaml", "resourcequota.yaml", "daemonset.yaml"];
    for file in files {
        let path = deploy("kubernetes").join(file);
        run(python::tool("kubernetes-validate")
            .arg("--strict")
            .arg(path))
        .ok();
    }
    let kustomization = deploy("kubernetes/kustomization.yaml");
    let listed = kube(&["load", &kustomization.to_string_lossy()]);
    assert_eq!(listed[0]["resources"], json!(files));
}

#[test]
fn the_check_refuses_what_kubernetes_would() {
    let mut wrong = manifest();
    wrong["spec"]["template"]["spec"]["hostPid"] = json!(true);
    let refused = std::panic::catch_unwind(|| validate(&wrong));
    assert!(refused.is_err(), "an unknown field passed");
    let both = [manifest(), wrong];
    let refused = std::panic::catch_unwind(|| validate_all(&both));
    assert!(
        refused.is_err(),
        "an unknown field of a second document passed"
    );
}

#[test]
fn the_chart_has_no_fault_and_gives_the_same_as_the_manifest() {
    let chart = deploy("helm/armistice");
    let lint = kube(&["lint", &chart.to_string_lossy()]);
    assert_eq!(lint["errors"], json!([]), "{lint}");
    // 1 is information, 2 a warning, 3 an error.
    let messages = lint["messages"].as_array().into_iter().flatten();
    assert!(
        messages.clone().all(|m| m["severity"].as_i64() == Some(1)),
        "{lint}"
    );
    let all = documents(&json!({}));
    assert_eq!(all.len(), 2, "{all:?}");
    for (kind, file) in [
        ("DaemonSet", "kubernetes/daemonset.yaml"),
        ("ResourceQuota", "kubernetes/resourcequota.yaml"),
    ] {
        let mut document = of_kind(&all, kind).expect("given");
        validate(&document);
        let labels = document["metadata"]["labels"]
            .as_object_mut()
            .expect("labels");
        assert_eq!(
            labels.remove("app.kubernetes.io/managed-by"),
            Some(json!("Helm"))
        );
        assert!(labels.remove("helm.sh/chart").is_some());
        let path = deploy(file);
        assert_eq!(
            document,
            kube(&["load", &path.to_string_lossy()])[0],
            "{kind}"
        );
    }
    let version = env!("CARGO_PKG_VERSION");
    for document in all {
        let labels = &document["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/version"], version);
    }
}

#[test]
fn each_value_arrives() {
    let daemon_set = rendered(&json!({
        "image": {"repository": "registry.example/armistice", "digest": format!("sha256:{}", "a".repeat(64))},
        "imagePullSecrets": [{"name": "pull"}],
        "architectures": ["arm64", "linux/arm/v7"],
        "flags": {"credentials": false},
        "engine": "qemu",
        "replace": true,
        "guard": {"intervalSeconds": 60, "unregisterOnExit": false},
        "nodeSelector": {"pool": "build", "kubernetes.io/arch": "arm64"},
        "affinity": {"nodeAffinity": {}},
        "seLinuxOptions": {"type": "spc_t"},
        "tolerations": [],
        "priorityClassName": "",
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
    }));
    validate(&daemon_set);
    let template = &daemon_set["spec"]["template"];
    let spec = &template["spec"];
    for container in containers(&daemon_set) {
        let image = container["image"].as_str().unwrap_or_default();
        assert!(
            image.starts_with("registry.example/armistice@sha256:aaaa"),
            "{image}"
        );
        let args: Vec<&str> = container["args"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let common = [
            "--no-credentials",
            "--engine=qemu",
            "--replace",
            "arm64",
            "linux/arm/v7",
        ];
        assert!(args.ends_with(&common), "{args:?}");
    }
    let guard = &spec["containers"][0];
    assert_eq!(guard["args"][1], "--interval=60");
    assert!(!guard["args"].to_string().contains("unregister"));
    assert_eq!(guard["securityContext"]["seLinuxOptions"]["type"], "spc_t");
    assert_eq!(
        guard["readinessProbe"]["exec"]["command"],
        json!(["armistice", "verify", "arm64", "linux/arm/v7"])
    );
    assert_eq!(
        spec["nodeSelector"],
        json!({"pool": "build", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"})
    );
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "pull"}]));
    assert!(spec.get("tolerations").is_none() && spec.get("priorityClassName").is_none());
    assert_eq!(template["metadata"]["annotations"], json!({"a": "b"}));
    assert_eq!(template["metadata"]["labels"]["c"], "d");
}

/// GKE admits a system priority class outside kube-system only by a quota.
#[test]
fn a_system_priority_class_has_its_quota_and_others_have_none() {
    for class in ["system-node-critical", "system-cluster-critical"] {
        let all = documents(&json!({"priorityClassName": class}));
        let quota = of_kind(&all, "ResourceQuota").expect("a quota");
        validate(&quota);
        let selected = &quota["spec"]["scopeSelector"]["matchExpressions"][0];
        assert_eq!(selected["scopeName"], "PriorityClass");
        assert_eq!(selected["values"], json!([class]));
        assert_eq!(
            quota["metadata"]["namespace"],
            rendered(&json!({}))["metadata"]["namespace"]
        );
    }
    for class in [json!(""), json!(null), json!("high")] {
        let all = documents(&json!({"priorityClassName": class}));
        assert_eq!(of_kind(&all, "ResourceQuota"), None, "{class}");
    }
}

#[test]
fn pod_labels_cannot_break_the_selector() {
    let daemon_set = rendered(&json!({"podLabels": {
        "app.kubernetes.io/name": "mine", "app.kubernetes.io/instance": "mine", "c": "d",
    }}));
    validate(&daemon_set);
    let labels = &daemon_set["spec"]["template"]["metadata"]["labels"];
    let wanted = daemon_set["spec"]["selector"]["matchLabels"].as_object();
    for (key, value) in wanted.expect("a selector") {
        assert_eq!(&labels[key], value, "{key}");
    }
    assert_eq!(labels["c"], "d");
}

/// In Helm null takes a value away. A bug once: without a probe the YAML was broken.
#[test]
fn a_value_that_is_null_gives_a_valid_manifest_or_is_refused() {
    let chart = deploy("helm/armistice");
    let values = kube(&["load", &chart.join("values.yaml").to_string_lossy()]);
    let mut tried = Vec::new();
    for (key, value) in values[0].as_object().expect("values") {
        tried.push(json!({ key: null }));
        for inner in value.as_object().into_iter().flat_map(|map| map.keys()) {
            tried.push(json!({ key: { inner: null } }));
        }
    }
    assert!(tried.len() > 20, "{tried:?}");
    let texts: Vec<String> = tried.iter().map(Value::to_string).collect();
    let chart = chart.to_string_lossy();
    let args = ["try", &chart]
        .into_iter()
        .chain(texts.iter().map(|t| &**t));
    let answers = kube(&args.collect::<Vec<_>>());
    let mut given = Vec::new();
    for (values, answer) in tried.iter().zip(answers.as_array().expect("answers")) {
        match answer["refused"].as_str() {
            Some(why) => {
                let key = values.as_object().and_then(|map| map.keys().next());
                assert!(why.contains(key.expect("one key")), "{values}: {why}");
            }
            None => given.extend(answer["documents"].as_array().cloned().expect("documents")),
        }
    }
    assert!(given.len() > 40, "most are given");
    // Most are alike in one of the two documents.
    given.sort_by_key(Value::to_string);
    given.dedup();
    validate_all(&given);
    let without = rendered(&json!({"readinessProbe": null}));
    let guard = &without["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(guard["name"], "guard");
    assert!(guard.get("readinessProbe").is_none(), "{guard}");
}

/// Pods that come before the label are refused by Pod Security Admission.
#[test]
fn the_readme_labels_the_namespace_before_there_are_pods() {
    let text = fs::read_to_string(deploy("README.md")).expect("read");
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(at("kubectl apply --filename deploy/kubernetes/namespace.yaml") < at("helm install"));
    assert!(
        !text.contains("    --create-namespace"),
        "made without the label"
    );
    at("oc adm policy add-scc-to-user privileged --serviceaccount default --namespace armistice");
}

#[test]
fn a_value_that_does_not_exist_is_refused() {
    let chart = deploy("helm/armistice");
    for values in [
        json!({"architecture": ["arm64"]}),
        json!({"architectures": ["arm64; reboot"]}),
    ] {
        run(python::tool("python")
            .arg(python::tools().join("kube.py"))
            .arg("render")
            .arg(&chart)
            .arg(values.to_string()))
        .fails()
        .says("architecture");
    }
}

#[test]
fn the_guard_asks_for_no_more_than_it_needs() {
    let daemon_set = manifest();
    let spec = &daemon_set["spec"]["template"]["spec"];
    let guard = &spec["containers"][0]["securityContext"];
    assert_eq!(
        guard["capabilities"],
        json!({"drop": ["ALL"], "add": ["SYS_CHROOT"]})
    );
    assert_eq!(guard["allowPrivilegeEscalation"], false);
    assert_eq!(guard["readOnlyRootFilesystem"], true);
    assert!(guard.get("privileged").is_none());
    assert_eq!(spec["automountServiceAccountToken"], false);
}
