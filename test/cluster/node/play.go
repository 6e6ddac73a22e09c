package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// step is where one container stands.
type step int

const (
	waiting    step = iota // for the Pod's turn, its delay, or what it refers to
	pullFailed             // ErrImagePull, about to become ImagePullBackOff
	backingOff             // of a pull or of a restart, until wake
	running
	exited // for good
)

// container is the play of one container: its script and the state that the API shows.
type container struct {
	corev1.Container
	script
	kind     containerKind
	step     step
	wake     time.Time // when the next change is due; zero: none is
	restarts int32
	state    corev1.ContainerState
	last     corev1.ContainerState
	ready    bool
	begun    bool // has run in this play
}

// pod is the play of one Pod.
type pod struct {
	*corev1.Pod
	node       *node
	started    metav1.Time
	conditions []corev1.PodCondition // as last reported
	containers []*container          // init containers first
}

// backoff is the kubelet's 10, 20, 40 ... 300 s, at a tenth of its pace so that tests see several restarts.
func backoff(failures int32) (told, real time.Duration) {
	told = min(10*time.Second<<min(max(failures-1, 0), 5), 5*time.Minute)
	return told, told / 10
}

// play drives a Pod's status until the Pod has ended or ctx is over.
func (n *node) play(ctx context.Context, object *corev1.Pod) {
	p := &pod{Pod: object, node: n, started: metav1.Now()}
	if object.Status.StartTime != nil {
		p.started = *object.Status.StartTime
	}
	for _, c := range object.Spec.InitContainers {
		kind := initial
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			kind = sidecar
		}
		p.add(c, kind)
	}
	for _, c := range object.Spec.Containers {
		p.add(c, regular)
	}
	shown := ""
	for ctx.Err() == nil {
		next := p.advance(ctx, time.Now())
		status := p.status()
		if text, _ := json.Marshal(status); string(text) != shown {
			shown = string(text)
			p.send(ctx, status)
		}
		if status.Phase == corev1.PodSucceeded || status.Phase == corev1.PodFailed {
			return
		}
		sleep(ctx, time.Until(next))
	}
}

func (p *pod) add(c corev1.Container, kind containerKind) {
	added := &container{Container: c, script: scriptOf(p.Pod, c, kind), kind: kind}
	for _, statuses := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, status := range statuses {
			if status.Name == c.Name { // played before: by this node under another script, or before a restart of ours
				added.restarts, added.last = status.RestartCount, status.LastTerminationState
			}
		}
	}
	added.wake = time.Now().Add(added.delay)
	added.wait("ContainerCreating", "")
	p.containers = append(p.containers, added)
}

func (c *container) wait(reason, message string) {
	c.ready = false
	c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// advance moves every container whose turn has come and says when the next one's is. Init containers go one after the
// other, then all the rest.
func (p *pod) advance(ctx context.Context, now time.Time) time.Time {
	next := now.Add(time.Hour)
	blocked := false
	for _, c := range p.containers {
		if blocked {
			c.wait("PodInitializing", "")
			continue
		}
		for !c.wake.IsZero() && !c.wake.After(now) {
			c.wake = time.Time{}
			p.change(ctx, c, now)
		}
		if !c.wake.IsZero() && c.wake.Before(next) {
			next = c.wake
		}
		blocked = (c.kind == initial && !c.succeeded()) || (c.kind == sidecar && !c.begun)
	}
	return next
}

func (c *container) succeeded() bool {
	return c.step == exited && c.wake.IsZero() && c.exitCode == 0
}

// change is one transition of one container.
func (p *pod) change(ctx context.Context, c *container, now time.Time) {
	switch c.step {
	case waiting:
		p.start(ctx, c, now)
	case pullFailed:
		told := p.pullMessage(c)
		c.wait("ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.Image, told))
		p.event(c, corev1.EventTypeNormal, "BackOff", fmt.Sprintf("Back-off pulling image %q", c.Image))
		p.event(c, corev1.EventTypeWarning, "Failed", "Error: ImagePullBackOff")
		c.step, c.wake = backingOff, now.Add(2*time.Second)
	case backingOff:
		if c.outcome != imageError {
			c.restarts++
		}
		p.start(ctx, c, now)
	case running:
		if c.exits() {
			p.exit(c, now)
			return
		}
		p.event(c, corev1.EventTypeWarning, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
		c.wake = now.Add(10 * time.Second)
	case exited: // the first failure is followed by a restart at once, as a kubelet does it
		c.restarts++
		p.start(ctx, c, now)
	}
}

func (p *pod) start(ctx context.Context, c *container, now time.Time) {
	c.step = waiting
	if c.invalid != "" {
		c.wait("CreateContainerConfigError", c.invalid)
		p.event(c, corev1.EventTypeWarning, "Failed", "Error: "+c.invalid)
		return
	}
	if volume, missing := p.node.missingVolume(ctx, p.Pod); missing != "" {
		p.node.recorder.Eventf(p.Pod, corev1.EventTypeWarning, "FailedMount", "MountVolume.SetUp failed for volume %q : %s", volume, missing)
		c.wait("ContainerCreating", "")
		c.wake = now.Add(time.Second)
		return
	}
	if c.outcome == hang {
		c.wait("ContainerCreating", "")
		return
	}
	if c.outcome == imageError {
		message := p.pullMessage(c)
		c.wait("ErrImagePull", message)
		p.event(c, corev1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.Image))
		p.event(c, corev1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", c.Image, message))
		p.event(c, corev1.EventTypeWarning, "Failed", "Error: ErrImagePull")
		c.step, c.wake = pullFailed, now.Add(300*time.Millisecond)
		return
	}
	if missing := p.node.missingReference(ctx, p.Pod, c.Container); missing != "" {
		c.wait("CreateContainerConfigError", missing)
		p.event(c, corev1.EventTypeWarning, "Failed", "Error: "+missing)
		c.wake = now.Add(time.Second)
		return
	}
	c.step, c.begun = running, true
	p.node.runs.begin(c.id(p.Pod), now)
	// A container that crashes counts as one whose readiness probe never passes: else a Deployment would be available for
	// the blink of an eye between two crashes.
	c.ready = c.outcome == ready || (c.outcome == succeed && !p.restarts(c))
	c.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now)}}
	switch {
	case c.exits():
		c.wake = now.Add(c.runs)
	case c.outcome == neverReady:
		c.wake = now
	}
}

func (p *pod) exit(c *container, now time.Time) {
	p.node.runs.end(c.id(p.Pod), now)
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode:    c.exitCode,
		Reason:      c.reason,
		StartedAt:   c.state.Running.StartedAt,
		FinishedAt:  metav1.NewTime(now),
		ContainerID: c.id(p.Pod),
	}}
	c.ready = false
	if !p.restarts(c) {
		c.step, c.state = exited, ended
		return
	}
	c.last = ended
	if c.restarts == 0 {
		c.step, c.state, c.wake = exited, ended, now.Add(100*time.Millisecond)
		return
	}
	told, real := backoff(c.restarts)
	full := fmt.Sprintf("%s_%s(%s)", p.Name, p.Namespace, p.UID)
	c.wait("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", brief(told), c.Name, full))
	p.event(c, corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.Name, full))
	c.step, c.wake = backingOff, now.Add(real)
}

// restarts: whether the kubelet starts the container again after this end.
func (p *pod) restarts(c *container) bool {
	switch {
	case c.kind == initial:
		return c.exitCode != 0 && p.Spec.RestartPolicy != corev1.RestartPolicyNever
	case c.kind == sidecar || p.Spec.RestartPolicy == corev1.RestartPolicyAlways:
		return true
	default:
		return c.exitCode != 0 && p.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
	}
}

// event names the container by its field path, as a kubelet does.
func (p *pod) event(c *container, kind, reason, message string) {
	list := "containers"
	if c.kind != regular {
		list = "initContainers"
	}
	p.node.recorder.Event(&corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.UID,
		ResourceVersion: p.ResourceVersion, FieldPath: fmt.Sprintf("spec.%s{%s}", list, c.Name),
	}, kind, reason, message)
}

// pullMessage is what containerd says of a tag that the registry does not have.
func (p *pod) pullMessage(c *container) string {
	full := c.Image
	if host, _, found := strings.Cut(full, "/"); !found {
		full = "docker.io/library/" + full
	} else if !strings.ContainsAny(host, ".:") && host != "localhost" {
		full = "docker.io/" + full
	}
	return fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", full, full, full)
}

// id is made up, but stable for one start of one container.
func (c *container) id(pod *corev1.Pod) string {
	return fmt.Sprintf("containerd://%x", sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", pod.UID, c.Name, c.restarts)))
}

// brief writes a duration as a kubelet's messages do: 10s, 1m20s, 5m0s.
func brief(duration time.Duration) string {
	return duration.Round(time.Second).String()
}

func (p *pod) send(ctx context.Context, status corev1.PodStatus) {
	patch, err := patchOf(p.UID, status)
	if err != nil {
		panic(err) // a PodStatus can always be marshalled
	}
	retry(ctx, "status of "+p.Namespace+"/"+p.Name, func() error {
		_, err := p.node.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		return err
	})
}
