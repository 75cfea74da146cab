variable "name" {
  description = "Name of the function, the role and the secret, and the first part of the queues' names"
  type        = string
  default     = "jw-webhook-forwarder"
}

variable "zip" {
  description = "Path of the release's forwarder-VERSION-ARCH.zip"
  type        = string
}

variable "architecture" {
  description = "The zip's architecture: arm64 or x86_64"
  type        = string
  default     = "arm64"
}

variable "alarm_actions" {
  description = "ARNs of the alarms' actions, such as an SNS topic. An empty list notifies nobody."
  type        = list(string)
}
