"""What an app's repository says the app is: `slipyard.yaml`, `compose.yaml`, `app.json`. Texts in, a `Manifest` out."""
