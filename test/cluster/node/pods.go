package main

import (
	"context"
	"log"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// podWatch holds the Pods of this node and one goroutine for each that is alive.
type podWatch struct {
	node       *node
	store      cache.Store
	controller cache.Controller
	ctx        context.Context
	mu         sync.Mutex
	players    map[types.UID]*player
}

// player is the goroutine that plays one Pod. One Pod has one player at a time: the next waits for the last to be gone.
type player struct {
	script string
	cancel context.CancelFunc
	done   chan struct{}
}

func (n *node) watchPods() *podWatch {
	w := &podWatch{node: n, players: map[types.UID]*player{}}
	mine := cache.NewListWatchFromClient(n.client.CoreV1().RESTClient(), "pods", corev1.NamespaceAll, fields.OneTermEqualSelector("spec.nodeName", n.name))
	w.store, w.controller = cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: mine,
		ObjectType:    &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { w.seen(object.(*corev1.Pod)) },
			UpdateFunc: func(_, object any) { w.seen(object.(*corev1.Pod)) },
			DeleteFunc: w.gone,
		},
		Transform: func(object any) (any, error) {
			if pod, is := object.(*corev1.Pod); is {
				pod.ManagedFields = nil
			}
			return object, nil
		},
	})
	return w
}

func (w *podWatch) run(ctx context.Context) {
	w.ctx = ctx
	w.controller.RunWithContext(ctx)
}

func (w *podWatch) seen(pod *corev1.Pod) {
	script := scripted(pod)
	if pod.DeletionTimestamp != nil {
		script = "deleted"
	} else if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.players[pod.UID]
	if last != nil && last.script == script {
		return
	}
	ctx, cancel := context.WithCancel(w.ctx)
	next := &player{script: script, cancel: cancel, done: make(chan struct{})}
	w.players[pod.UID] = next
	go func() {
		defer close(next.done)
		if last != nil {
			last.cancel()
			<-last.done
		}
		if pod.DeletionTimestamp != nil {
			w.node.terminate(ctx, pod)
			return
		}
		w.node.play(ctx, pod)
	}()
}

func (w *podWatch) gone(object any) {
	if unknown, missed := object.(cache.DeletedFinalStateUnknown); missed {
		object = unknown.Obj
	}
	pod, is := object.(*corev1.Pod)
	if !is {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.players[pod.UID]; last != nil {
		last.cancel()
		delete(w.players, pod.UID)
	}
}

// terminate is the kubelet's last word on a deleted Pod: once its containers have stopped, it goes at once.
func (n *node) terminate(ctx context.Context, pod *corev1.Pod) {
	if wish, set := pod.Annotations[prefix+"termination"]; set {
		milliseconds, err := strconv.Atoi(wish)
		if err != nil { // "never": the Pod stays Terminating until somebody deletes it with grace period 0
			return
		}
		if !sleep(ctx, time.Duration(milliseconds)*time.Millisecond) {
			return
		}
	}
	retry(ctx, "delete "+pod.Namespace+"/"+pod.Name, func() error {
		now := int64(0)
		err := n.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now,
			Preconditions:      &metav1.Preconditions{UID: &pod.UID},
		})
		if apierrors.IsConflict(err) { // a new Pod of that name
			return nil
		}
		return err
	})
}

// retry repeats until it works or can no longer matter: the object is gone, or ctx is over because another one took its place.
func retry(ctx context.Context, what string, act func() error) {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := act()
		if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
			return
		}
		log.Printf("%s: %v", what, err)
		if !sleep(ctx, pause) {
			return
		}
	}
}

// sleep tells whether the whole time passed.
func sleep(ctx context.Context, duration time.Duration) bool {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
