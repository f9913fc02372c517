// Nodeaffinity gives the Kubernetes scheduler's own verdict on the affinity of a pod, case by case.
//
// Standard input holds JSON objects, one a line:
//
//	{"id", "kind": "affinity" | "job" | "any", "manifest", "nodes": [{label: value}, ...]}
//
// "manifest" is YAML: with kind "affinity" a mapping with the key "affinity" as it stands in a pod's
// spec, with "job" a whole Job of batch/v1, with "any" an object of a kind that is listed below. It is
// decoded strictly: an unknown field is an error.
// For each case one line is printed:
//
//	{"id", "error", "required": [bool, ...], "score": [number, ...], "pod"}
//
// one verdict and one sum of weights a node. Unless "error" is "", it tells why there are none.
// "pod" is the spec of the pod as Kubernetes' types hold it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"sigs.k8s.io/yaml"
)

type question struct {
	ID       string              `json:"id"`
	Kind     string              `json:"kind"`
	Manifest string              `json:"manifest"`
	Nodes    []map[string]string `json:"nodes"`
}

type answer struct {
	ID       string          `json:"id"`
	Error    string          `json:"error"`
	Required []bool          `json:"required"`
	Score    []int64         `json:"score"`
	Pod      *corev1.PodSpec `json:"pod"`
}

func main() {
	questions, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatalf("case after %q: %v", q.ID, err)
		}
		a, err := answered(q)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		a.ID = q.ID
		if err := answers.Encode(a); err != nil {
			log.Fatal(err)
		}
	}
}

func answered(q question) (answer, error) {
	spec, err := podSpec(q)
	if err != nil {
		return answer{}, err
	}
	a := answer{Required: []bool{}, Score: []int64{}, Pod: spec}
	required := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: *spec})
	preferred, err := nodeaffinity.NewPreferredSchedulingTerms(preferences(spec))
	if err != nil {
		return answer{}, err
	}
	for at, labels := range q.Nodes {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", at), Labels: labels}}
		matched, err := required.Match(node)
		if err != nil {
			return answer{}, err
		}
		a.Required = append(a.Required, matched)
		a.Score = append(a.Score, preferred.Score(node))
	}
	return a, nil
}

func podSpec(q question) (*corev1.PodSpec, error) {
	if q.Kind == "job" {
		var job batchv1.Job
		if err := yaml.UnmarshalStrict([]byte(q.Manifest), &job); err != nil {
			return nil, err
		}
		return &job.Spec.Template.Spec, nil
	}
	if q.Kind == "any" {
		return anyPodSpec(q.Manifest)
	}
	var spec corev1.PodSpec
	if err := yaml.UnmarshalStrict([]byte(q.Manifest), &spec); err != nil {
		return nil, err
	}
	return &spec, nil
}

func preferences(spec *corev1.PodSpec) []corev1.PreferredSchedulingTerm {
	if spec.Affinity == nil || spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
}

// anyPodSpec gives the pod of an object, an empty one of a kind that has none.
func anyPodSpec(manifest string) (*corev1.PodSpec, error) {
	var named metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(manifest), &named); err != nil {
		return nil, err
	}
	var cron batchv1.CronJob
	var deployment appsv1.Deployment
	kinds := map[string]any{
		"batch/v1 CronJob":                                &cron,
		"apps/v1 Deployment":                              &deployment,
		"v1 Service":                                      &corev1.Service{},
		"v1 ServiceAccount":                               &corev1.ServiceAccount{},
		"v1 PersistentVolumeClaim":                        &corev1.PersistentVolumeClaim{},
		"rbac.authorization.k8s.io/v1 ClusterRole":        &rbacv1.ClusterRole{},
		"rbac.authorization.k8s.io/v1 ClusterRoleBinding": &rbacv1.ClusterRoleBinding{},
	}
	into, known := kinds[named.APIVersion+" "+named.Kind]
	if !known {
		return nil, fmt.Errorf("no kind %s %s is known here", named.APIVersion, named.Kind)
	}
	if err := yaml.UnmarshalStrict([]byte(manifest), into); err != nil {
		return nil, err
	}
	if into == any(&cron) {
		return &cron.Spec.JobTemplate.Spec.Template.Spec, nil
	}
	return &deployment.Spec.Template.Spec, nil
}
