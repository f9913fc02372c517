// Nfdmatch gives NFD's own verdict on image compatibility specs, case by case.
//
// Standard input holds JSON objects, one a line:
//
//	{"id", "features", "spec" | "spec_yaml", "tags"}
//
// "features" is an NFD features document, "spec" the compatibility spec as JSON, "spec_yaml" the
// same as text; "tags" are those of `nfd compat validate-node --tags`. For each case one line is
// printed:
//
//	{"id", "stage", "error", "sets": [[verdict of each rule], ...], "any", "vars"}
//
// "stage" says where the case ended: "" (evaluated), "parse", "evaluate" or "panic"; unless it is
// "", "error" tells why and "sets" is null, because NFD gives no partial result. Sets skipped by
// their tag are not in "sets". NFD gives a set no verdict; "any" reads it as the AND of its rules.
// "vars" is the final rule.matched, null when no rule ran.
//
// Instead of a spec there may be "object_yaml", a NodeFeatureGroup or a NodeFeatureRule, decoded
// strictly. It is evaluated as nfd-master does, which passes over a rule that ends in an error; the
// answer has "member" (whether the node is in the group) or "labels" (those the rule gives it).
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"

	"k8s.io/klog/v2"
	nfd "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	compat "sigs.k8s.io/node-feature-discovery/api/image-compatibility/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
	"sigs.k8s.io/yaml"
)

type question struct {
	ID       string          `json:"id"`
	Features nfd.Features    `json:"features"`
	Spec     json.RawMessage `json:"spec"`
	SpecYAML string          `json:"spec_yaml"`
	Tags     []string        `json:"tags"`
	Object   string          `json:"object_yaml"`
}

type answer struct {
	ID    string            `json:"id"`
	Stage string            `json:"stage"`
	Error string            `json:"error"`
	Sets  [][]bool          `json:"sets"`
	Any   bool              `json:"any"`
	Vars  map[string]string `json:"vars"`

	Member *bool             `json:"member,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

func main() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	questions, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatalf("case after %q: %v", q.ID, err)
		}
		if err := answers.Encode(answered(q)); err != nil {
			log.Fatal(err)
		}
	}
}

// answered decides one case; a panic of NFD's is an answer too.
func answered(q question) (a answer) {
	defer func() {
		if cause := recover(); cause != nil {
			a = failed(q, "panic", fmt.Errorf("%v", cause))
		}
	}()
	if q.Object != "" {
		return master(q)
	}
	text := []byte(q.SpecYAML)
	if q.Spec != nil {
		text = q.Spec
	}
	var spec compat.Spec
	if err := yaml.Unmarshal(text, &spec); err != nil {
		return failed(q, "parse", err)
	}
	sets, err := evaluate(spec, &q.Features, q.Tags)
	if err != nil {
		return failed(q, "evaluate", err)
	}
	vars := q.Features.Attributes[nfd.RuleBackrefDomain+"."+nfd.RuleBackrefFeature].Elements
	return answer{ID: q.ID, Sets: sets, Any: slices.ContainsFunc(sets, all), Vars: vars}
}

func failed(q question, stage string, err error) answer {
	return answer{ID: q.ID, Stage: stage, Error: err.Error()}
}

// evaluate does what the Execute method of NFD's node validator does after discovery: every rule
// of every chosen set in order, the variables of each visible to all that follow.
func evaluate(spec compat.Spec, features *nfd.Features, tags []string) ([][]bool, error) {
	sets := [][]bool{}
	for _, set := range spec.Compatibilties {
		if len(tags) > 0 && !slices.Contains(tags, set.Tag) {
			continue
		}
		verdicts := []bool{}
		for _, rule := range set.Rules {
			out, err := nodefeaturerule.ExecuteGroupRule(&rule, features, false)
			if err != nil {
				return nil, err
			}
			verdicts = append(verdicts, out.MatchStatus.IsMatch)
			features.InsertAttributeFeatures(nfd.RuleBackrefDomain, nfd.RuleBackrefFeature, out.Vars)
		}
		sets = append(sets, verdicts)
	}
	return sets, nil
}

// master does what nfd-master does with an object of its API and the features of one node.
func master(q question) answer {
	var group nfd.NodeFeatureGroup
	if err := yaml.UnmarshalStrict([]byte(q.Object), &group); err == nil && group.Kind == "NodeFeatureGroup" {
		member := false
		for _, rule := range group.Spec.Rules {
			out, err := nodefeaturerule.ExecuteGroupRule(&rule, &q.Features, true)
			if err != nil {
				continue
			}
			member = member || out.MatchStatus.IsMatch
			q.Features.InsertAttributeFeatures(nfd.RuleBackrefDomain, nfd.RuleBackrefFeature, out.Vars)
		}
		return answer{ID: q.ID, Member: &member}
	}
	var rules nfd.NodeFeatureRule
	if err := yaml.UnmarshalStrict([]byte(q.Object), &rules); err != nil {
		return failed(q, "parse", err)
	}
	labels := map[string]string{}
	for _, rule := range rules.Spec.Rules {
		out, err := nodefeaturerule.Execute(&rule, &q.Features, true)
		if err != nil {
			continue
		}
		maps.Copy(labels, out.Labels)
		q.Features.InsertAttributeFeatures(nfd.RuleBackrefDomain, nfd.RuleBackrefFeature, out.Labels)
		q.Features.InsertAttributeFeatures(nfd.RuleBackrefDomain, nfd.RuleBackrefFeature, out.Vars)
	}
	return answer{ID: q.ID, Labels: labels}
}

func all(verdicts []bool) bool {
	return !slices.Contains(verdicts, false)
}
