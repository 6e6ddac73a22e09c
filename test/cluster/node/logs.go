package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// serveLogs answers GET /containerLogs/{namespace}/{pod}/{container} with previous, tailLines, limitBytes, sinceSeconds,
// sinceTime, timestamps and follow, as a kubelet does. The text is the annotation's; how much of it is there yet follows
// from the container's start and the annotation `log-interval`.
func serveLogs(answer http.ResponseWriter, request *http.Request, pods cache.Store, runs *runTimes) {
	namespace, name, container := request.PathValue("namespace"), request.PathValue("pod"), request.PathValue("container")
	query := request.URL.Query()
	read := func() (*corev1.Pod, *corev1.ContainerStatus) {
		object, _, _ := pods.GetByKey(namespace + "/" + name)
		pod, is := object.(*corev1.Pod)
		if !is {
			return nil, nil
		}
		for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
			for i := range list {
				if list[i].Name == container {
					return pod, &list[i]
				}
			}
		}
		return pod, nil
	}
	pod, status := read()
	if pod == nil {
		http.Error(answer, fmt.Sprintf("pod %q not found", name), http.StatusNotFound)
		return
	}
	previous := query.Get("previous") == "true"
	id, refusal := instance(name, container, status, previous)
	started, ended, known := runs.of(id)
	if refusal == "" && !known {
		refusal = fmt.Sprintf("unable to retrieve container logs for %s", id) // of a run before this node's own start
	}
	if refusal != "" {
		http.Error(answer, refusal, http.StatusBadRequest)
		return
	}
	answer.Header().Set("Content-Type", "text/plain")
	all := logLines(pod, container, previous)
	interval := time.Duration(0)
	if milliseconds, err := strconv.Atoi(pod.Annotations[prefix+"log-interval"]); err == nil {
		interval = time.Duration(milliseconds) * time.Millisecond
	}
	written := func(index int) time.Time { return started.Add(time.Duration(index) * interval) }
	there := func() int {
		_, ended, _ = runs.of(id)
		count := 0
		for count < len(all) && !written(count).After(time.Now()) && (ended.IsZero() || !written(count).After(ended)) {
			count++
		}
		return count
	}
	end := there()
	first := 0
	for since := sinceTime(query.Get("sinceSeconds"), query.Get("sinceTime")); first < end && written(first).Before(since); {
		first++
	}
	if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil && end-first > tail {
		first = end - tail
	}
	left, limited := -1, false
	if limit, err := strconv.Atoi(query.Get("limitBytes")); err == nil {
		left, limited = limit, true
	}
	send := func(from, to int) {
		for index := from; index < to; index++ {
			line := all[index] + "\n"
			if query.Get("timestamps") == "true" {
				line = written(index).UTC().Format(time.RFC3339Nano) + " " + line
			}
			if limited && len(line) > left {
				line = line[:left]
			}
			left -= len(line)
			_, _ = answer.Write([]byte(line))
		}
	}
	send(first, end)
	for query.Get("follow") == "true" && !previous && (!limited || left > 0) {
		if flusher, can := answer.(http.Flusher); can {
			flusher.Flush()
		}
		if !sleep(request.Context(), 100*time.Millisecond) {
			return
		}
		over := !ended.IsZero()
		if next := there(); next > end {
			send(end, next)
			end = next
		}
		if now, _ := read(); over || now == nil {
			return
		}
	}
}

// instance finds the id of the container's run whose log is asked for, or the kubelet's refusal.
func instance(pod, container string, status *corev1.ContainerStatus, previous bool) (id, refusal string) {
	switch {
	case status == nil:
		return "", fmt.Sprintf("container %q in pod %q is not available", container, pod)
	case previous && status.LastTerminationState.Terminated == nil:
		return "", fmt.Sprintf("previous terminated container %q in pod %q not found", container, pod)
	case previous:
		return status.LastTerminationState.Terminated.ContainerID, ""
	case status.State.Running != nil, status.State.Terminated != nil:
		return status.ContainerID, ""
	case status.LastTerminationState.Terminated != nil: // waiting for a restart: the log of the last run is still there
		return status.LastTerminationState.Terminated.ContainerID, ""
	}
	reason := status.State.Waiting.Reason
	switch reason {
	case "ErrImagePull":
		reason = "image can't be pulled"
	case "ImagePullBackOff":
		reason = "trying and failing to pull image"
	}
	return "", fmt.Sprintf("container %q in pod %q is waiting to start: %s", container, pod, reason)
}

func logLines(pod *corev1.Pod, container string, previous bool) []string {
	names := []string{"log." + container, "log"}
	if previous {
		names = append([]string{"previous-log." + container, "previous-log"}, names...)
	}
	for _, name := range names {
		if text, set := pod.Annotations[prefix+name]; set {
			if text == "" {
				return nil
			}
			return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		}
	}
	return []string{container + " started"}
}

func sinceTime(seconds, moment string) time.Time {
	if number, err := strconv.Atoi(seconds); err == nil {
		return time.Now().Add(-time.Duration(number) * time.Second)
	}
	parsed, _ := time.Parse(time.RFC3339, moment)
	return parsed
}
