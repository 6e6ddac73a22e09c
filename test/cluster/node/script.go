package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// prefix begins every annotation by which a test scripts a Pod. README.md lists them.
const prefix = "test.gitops.pipelines/"

const (
	neverReady = "never-ready"
	ready      = "ready"
	crashLoop  = "crash-loop"
	imageError = "image-pull-error"
	hang       = "hang"
	fail       = "fail"
	succeed    = "succeed"
)

// script is what one container does each time it is started.
type script struct {
	outcome  string
	exitCode int32
	reason   string        // of a termination, as the container runtime gives it
	delay    time.Duration // before the first start
	runs     time.Duration // before it exits, for those that exit
	invalid  string        // why the annotations cannot be followed
}

func (s script) exits() bool {
	return s.outcome == crashLoop || s.outcome == fail || s.outcome == succeed
}

type containerKind int

const (
	regular containerKind = iota
	initial               // runs to completion before the others
	sidecar               // an init container that keeps running
)

func scriptOf(pod *corev1.Pod, container corev1.Container, kind containerKind) script {
	s := script{outcome: defaultOutcome(pod, kind), runs: 200 * time.Millisecond}
	if only, limited := pod.Annotations[prefix+"container"]; (limited && only == container.Name) || (!limited && kind == regular) {
		s.follow(pod.Annotations)
	}
	if s.outcome != imageError && s.outcome != hang && brokenImage(container.Image) {
		s.outcome = imageError
	}
	if s.reason == "" {
		s.reason = "Completed"
		if s.exitCode != 0 {
			s.reason = "Error"
		}
	}
	return s
}

func defaultOutcome(pod *corev1.Pod, kind containerKind) string {
	if kind == initial || (kind == regular && pod.Spec.RestartPolicy != corev1.RestartPolicyAlways) {
		return succeed
	}
	return ready
}

func (s *script) follow(annotations map[string]string) {
	if outcome, set := annotations[prefix+"pod"]; set {
		switch outcome {
		case ready, neverReady, crashLoop, imageError, hang, fail, succeed:
			s.outcome = outcome
		default:
			s.invalid = fmt.Sprintf("annotation %spod: %q is none of ready, never-ready, crash-loop, image-pull-error, hang, fail, succeed", prefix, outcome)
		}
	}
	if s.outcome == fail || s.outcome == crashLoop {
		s.exitCode = 1
	}
	number := func(name string, fallback int) int {
		text, set := annotations[prefix+name]
		if !set {
			return fallback
		}
		value, err := strconv.Atoi(text)
		if err != nil || value < 0 {
			s.invalid = fmt.Sprintf("annotation %s%s: %q is not a number from 0", prefix, name, text)
			return fallback
		}
		return value
	}
	s.exitCode = int32(number("exit-code", int(s.exitCode)))
	s.delay = time.Duration(number("delay", 0)) * time.Millisecond
	s.runs = time.Duration(number("runs", int(s.runs.Milliseconds()))) * time.Millisecond
	s.reason = annotations[prefix+"reason"]
}

// brokenImage: such an image cannot be pulled, whatever the annotations say, so that a plain manifest can fail.
func brokenImage(image string) bool {
	return strings.Contains(image, "broken") || strings.HasSuffix(image, ":does-not-exist")
}

// scripted changes whenever a running Pod has to be played anew: other annotations of ours, or other images.
func scripted(pod *corev1.Pod) string {
	parts := []string{}
	for _, name := range []string{"pod", "container", "exit-code", "reason", "delay", "runs"} {
		if value, set := pod.Annotations[prefix+name]; set {
			parts = append(parts, name+"="+value)
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, container := range list {
			parts = append(parts, container.Name+"@"+container.Image)
		}
	}
	return strings.Join(parts, "\n")
}
