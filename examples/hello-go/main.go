package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stopped, release := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer release()

	server := &http.Server{Addr: ":" + setting("PORT", "3000"), Handler: http.HandlerFunc(hello)}
	go func() {
		<-stopped.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

func hello(response http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(response, "Hello from Slipyard\n%s\n", setting("SOURCE_VERSION", "unknown"))
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
