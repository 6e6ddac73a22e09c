package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// status is what a kubelet would report of the Pod's containers as they stand.
func (p *pod) status() corev1.PodStatus {
	status := corev1.PodStatus{
		Phase:     p.phase(),
		HostIP:    "127.0.0.1",
		HostIPs:   []corev1.HostIP{{IP: "127.0.0.1"}},
		PodIP:     p.ip(),
		PodIPs:    []corev1.PodIP{{IP: p.ip()}},
		StartTime: &p.started,
	}
	initialized := []string{}
	unready := []string{}
	for _, c := range p.containers {
		shown := c.status(p.Pod)
		if c.kind == regular {
			status.ContainerStatuses = append(status.ContainerStatuses, shown)
		} else {
			status.InitContainerStatuses = append(status.InitContainerStatuses, shown)
			if !shown.Ready {
				initialized = append(initialized, c.Name)
			}
		}
		if c.kind != initial && !shown.Ready {
			unready = append(unready, c.Name)
		}
	}
	condition := func(kind corev1.PodConditionType, missing []string, reason, message string) {
		made := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, ObservedGeneration: p.Generation, LastTransitionTime: metav1.Now()}
		if len(missing) > 0 {
			made.Status, made.Reason = corev1.ConditionFalse, reason
			if message != "" {
				made.Message = fmt.Sprintf("%s: [%s]", message, strings.Join(missing, " "))
			}
		}
		// The time belongs to the change of the condition, not to that of the whole status.
		for _, before := range p.conditions {
			if before.Type == kind && before.Status == made.Status {
				made.LastTransitionTime = before.LastTransitionTime
			}
		}
		status.Conditions = append(status.Conditions, made)
	}
	notReady, message := "ContainersNotReady", "containers with unready status"
	switch status.Phase {
	case corev1.PodSucceeded:
		notReady, message = "PodCompleted", ""
	case corev1.PodFailed:
		notReady, message = "PodFailed", ""
	}
	condition(corev1.PodReadyToStartContainers, nil, "", "")
	condition(corev1.PodInitialized, initialized, "ContainersNotInitialized", "containers with incomplete status")
	condition(corev1.ContainersReady, unready, notReady, message)
	condition(corev1.PodReady, unready, notReady, message)
	p.conditions = status.Conditions
	return status
}

// phase follows the kubelet's getPhase: Pending until all have been started, then Running until all have ended for good.
func (p *pod) phase() corev1.PodPhase {
	started, ended, failed := true, true, false
	for _, c := range p.containers {
		ever := c.restarts > 0 || c.state.Waiting == nil
		over := c.step == exited && c.wake.IsZero()
		switch c.kind {
		case initial:
			if over && c.exitCode != 0 {
				return corev1.PodFailed
			}
			started = started && over
		case sidecar:
			started = started && ever
		case regular:
			started = started && ever
			ended = ended && over
			failed = failed || (over && c.exitCode != 0)
		}
	}
	switch {
	case !started:
		return corev1.PodPending
	case !ended:
		return corev1.PodRunning
	case failed:
		return corev1.PodFailed
	default:
		return corev1.PodSucceeded
	}
}

func (c *container) status(pod *corev1.Pod) corev1.ContainerStatus {
	started := c.step == running
	status := corev1.ContainerStatus{
		Name:                 c.Name,
		Image:                c.Image,
		State:                c.state,
		LastTerminationState: c.last,
		Ready:                c.ready,
		RestartCount:         c.restarts,
		Started:              &started,
	}
	if c.kind == initial {
		status.Ready = c.succeeded()
	}
	if c.state.Waiting == nil {
		status.ContainerID = c.id(pod)
		status.ImageID = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(c.Image)))
	} else if c.last.Terminated != nil {
		status.ContainerID = c.last.Terminated.ContainerID
	}
	return status
}

// ip is made up from the Pod's uid, inside the private range that clusters use for Pods.
func (p *pod) ip() string {
	if p.Spec.HostNetwork {
		return "127.0.0.1"
	}
	hash := fnv.New32a()
	hash.Write([]byte(p.UID))
	sum := hash.Sum32()
	return fmt.Sprintf("10.%d.%d.%d", 244+sum>>16%8, sum>>8%256, 1+sum%254)
}

// patchOf makes the strategic merge patch: conditions are merged by type there, so what one no longer says must be null.
func patchOf(uid types.UID, status corev1.PodStatus) ([]byte, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return nil, err
	}
	conditions, _ := fields["conditions"].([]any)
	for _, one := range conditions {
		condition := one.(map[string]any)
		for _, name := range []string{"reason", "message"} {
			if condition[name] == nil {
				condition[name] = nil
			}
		}
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{"uid": uid}, "status": fields})
}
