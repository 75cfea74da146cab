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
  description = "That of the zip: arm64 or x86_64"
  type        = string
  default     = "arm64"
}

variable "alarm_actions" {
  description = "ARNs of what an alarm notifies, such as an SNS topic. An alarm that notifies nobody is of no use."
  type        = list(string)
}
